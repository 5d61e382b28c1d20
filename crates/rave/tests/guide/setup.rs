// What the guide's examples find: a folder of their own, which they are in, with a clip and a model. Each example is a
// process of its own.

/// Goes into a new folder with `in.mp4`, 12 pictures of 64x36 at 25 a second, and `model.onnx`, which doubles the size.
fn in_a_folder() -> tempfile::TempDir {
    use rave::prelude::*;

    // SAFETY: the example has one thread so far. On every machine the same: without a GPU.
    unsafe { std::env::set_var("CUDA_VISIBLE_DEVICES", "") };
    let folder = tempfile::tempdir().unwrap();
    std::env::set_current_dir(&folder).unwrap();
    std::fs::copy(rave_tests::ffmpeg::golden_model("replicate-2x"), "model.onnx").unwrap();
    let picture = |number: u8| {
        let time = (i64::from(number), Rational::new(1, 25));
        let fill = |frame: &mut FrameMut<'_>| {
            for plane in frame.planes_mut().iter_mut().flatten() {
                (0..plane.height()).for_each(|y| plane.row_mut(y).fill(100 + 5 * number));
            }
            Ok(())
        };
        Picture::new(PixelFormat::Yuv420p, Size::new(64, 36), time, fill).unwrap()
    };
    let path = rave_tests::ffmpeg::golden_model("identity-1x");
    let same = Engine::load(path, DeviceChoice::Cpu, &ModelOptions::default()).unwrap();
    Upscale::from_source(MemorySource::new((0..12).map(picture)), &same).output("in.mp4").run().unwrap();
    folder
}
