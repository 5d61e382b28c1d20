//! Films of every kind through a whole run in segments: ffprobe says the same of what comes out, but for what a model that
//! doubles the size changes.

#[path = "common/clips.rs"]
mod clips;

use std::time::Duration;

use clips::{Clips, engine};
use rave_engine::Mode;
use rave_pipeline::{Summary, Upscale};
use rave_tests::ffmpeg::golden_model;

/// A source of pictures whose form the cases add to. It says what its colours are: what is left open is settled, and said, in
/// the output.
const PICTURES: &str =
    "testsrc2=s=64x48:r=10:d=1.2,setparams=colorspace=smpte170m:range=tv:chroma_location=left";

impl Clips {
    /// Makes `name` of what `args` say, words apart by blanks.
    fn film(&self, name: &str, args: &str) -> String {
        let path = self.path(name);
        let mut args: Vec<&str> = args.split_whitespace().collect();
        args.push(&path);
        self.run(&args);
        path
    }

    fn says(&self, file: &str, more: &[&str], entries: &str) -> String {
        let args = [more, &["-show_entries", entries, "-of", "compact"]].concat();
        // A list of side data that has nothing of what was asked for is an empty word.
        self.ffmpeg.probe(&args, file.as_ref()).replace("|\n", "\n")
    }
}

/// Runs the film `input` through a model into `output`, and asserts that all but the size has stayed.
fn stays(clips: &Clips, input: &str, output: &str, codec: &str) -> Summary {
    let output = clips.path(output);
    let upscale = engine("replicate-2x").upscale(input).output(&output).codec(codec);
    let summary = run(upscale);
    let of_streams = "stream=index,codec_type,pix_fmt,sample_aspect_ratio,display_aspect_ratio,color_range,color_space,\
                      color_transfer,color_primaries,chroma_location,time_base,start_pts,field_order\
                      :stream_tags=language,title,mimetype,filename:stream_disposition:stream_side_data=rotation";
    for (more, entries) in [
        (&[][..], of_streams),
        (&[], "format=nb_streams,start_time:format_tags=title,comment"),
        (&["-show_chapters"], "chapter=time_base,start,end:chapter_tags"),
        (&["-select_streams", "v:0"], "frame=pts,interlaced_frame:frame_tags"),
        // Mastering display and content light level, where there are any.
        (
            &["-select_streams", "v:0", "-read_intervals", "%+#1"],
            "frame_side_data=red_x,max_luminance,max_content",
        ),
    ] {
        let (before, after) = (clips.says(input, more, entries), clips.says(&output, more, entries));
        assert_eq!(after, before, "{input}: {entries}");
    }
    let size = |file: &str| -> Vec<u32> {
        let said = clips.says(file, &["-select_streams", "v:0"], "stream=width,height");
        said.trim().split(['=', '|']).filter_map(|word| word.parse().ok()).collect()
    };
    assert_eq!(size(&output), size(input).iter().map(|side| 2 * side).collect::<Vec<_>>());
    let others = |file: &str| {
        let all = ["-i", file, "-map", "0:a?", "-map", "0:s?", "-c", "copy", "-f", "framemd5", "-"];
        String::from_utf8(clips.run(&all)).unwrap()
    };
    if clips.says(input, &[], "stream=codec_type").contains("audio") {
        assert_eq!(others(&output), others(input), "{input}: sound and subtitles, packet by packet");
    }
    summary
}

fn run(upscale: Upscale) -> Summary {
    upscale.segment(5).resumable(false).run().unwrap()
}

/// RV-PIPE-2101: in the size and the colours that they have.
#[test]
fn real_films_come_out_as_the_filter_has_them() {
    let Some(clips) = Clips::find() else { return };
    let model = golden_model("replicate-2x");
    let filter = format!("rave={}:runtime_lib=embedded", model.display());
    for name in ["bigbuckbunny", "bikes", "carphone_distorted"] {
        let input = rave_tests::build_dir().join(format!("deps/clips/{name}.mp4"));
        let input = input.to_str().unwrap();
        let output = clips.path(&format!("{name}.mkv"));
        let upscale = engine("replicate-2x").upscale(input).output(&output).codec("ffv1");
        let frames = run(upscale.length(Duration::from_millis(400))).frames;
        let hashes = |args: &[&str]| -> Vec<String> {
            let args = [args, &["-fps_mode", "passthrough", "-f", "framemd5", "-"]].concat();
            let said = String::from_utf8(clips.run(&args)).unwrap();
            let lines = said.lines().filter(|line| !line.starts_with('#'));
            lines.map(|line| line.rsplit(", ").next().unwrap().to_owned()).collect()
        };
        let theirs = hashes(&["-t", "0.4", "-i", input, "-an", "-vf", &filter]);
        assert!(theirs.len() as u64 == frames && frames >= 10, "{name}: {frames} and {}", theirs.len());
        assert_eq!(hashes(&["-i", &output, "-map", "0:v"]), theirs, "{name}");
    }
}

/// RV-PIPE-2101, RV-PIPE-2103
#[test]
fn frames_of_uneven_duration_and_a_film_without_sound() {
    let Some(clips) = Clips::find() else { return };
    let uneven = format!("{PICTURES},settb=1/1000,setpts=N*40+N*N*3,format=yuv420p");
    let how = format!("-f lavfi -i {uneven} -fps_mode passthrough -enc_time_base 1/1000 -c:v libx264 -bf 2");
    let input = clips.film("uneven.mkv", &how);
    assert_eq!(stays(&clips, &input, "out.mkv", "libx264").frames, 12);
}

/// RV-PIPE-2101, RV-PIPE-2103
#[test]
fn hdr10_hlg_and_chroma_of_full_height_at_ten_bits() {
    let Some(clips) = Clips::find() else { return };
    let hdr = format!(
        "-f lavfi -i {PICTURES},format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc\
         :range=tv:chroma_location=topleft -c:v libx264 -x264-params \
         mastering-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):cll=1000,400"
    );
    let input = clips.film("hdr10.mp4", &hdr);
    stays(&clips, &input, "out.mp4", "libx264");
    let first = ["-select_streams", "v:0", "-read_intervals", "%+#1"];
    let light = clips.says(&clips.path("out.mp4"), &first, "frame_side_data=max_luminance,max_content");
    assert!(light.contains("max_content=1000") && light.contains("max_luminance=1"), "{light}");

    let hlg = format!(
        "-f lavfi -i {PICTURES},format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=arib-std-b67\
         :colorspace=bt2020nc:range=tv:chroma_location=topleft -c:v libx264"
    );
    stays(&clips, &clips.film("hlg.mkv", &hlg), "hlg-out.mkv", "libx264");
    let transfer = clips.says(&clips.path("hlg-out.mkv"), &[], "stream=color_transfer");
    assert!(transfer.contains("arib-std-b67"), "{transfer}");

    let high = format!("-f lavfi -i {PICTURES},format=yuv422p10le -c:v libx264");
    stays(&clips, &clips.film("high.mov", &high), "out.mov", "libx264");
}

/// RV-PIPE-2101, RV-PIPE-2103
#[test]
fn odd_sizes_pixels_that_are_not_square_and_rotation() {
    let Some(clips) = Clips::find() else { return };
    let odd = format!(
        "-f lavfi -i {PICTURES},format=yuv420p,scale=63:47,setsar=1 -c:v ffv1 -chroma_sample_location left"
    );
    stays(&clips, &clips.film("odd.mkv", &odd), "odd-out.mkv", "ffv1");
    let wide = format!("-f lavfi -i {PICTURES},setsar=64/45 -c:v libx264 -pix_fmt yuv420p");
    let wide = clips.film("wide.mp4", &wide);
    stays(&clips, &wide, "wide-out.mp4", "libx264");
    for turn in ["90", "180", "270"] {
        let turned =
            clips.film(&format!("turned-{turn}.mp4"), &format!("-display_rotation {turn} -i {wide} -c copy"));
        stays(&clips, &turned, &format!("turned-{turn}-out.mp4"), "libx264");
    }
}

/// RV-PIPE-2103
#[test]
fn twenty_tracks_of_sound_subtitles_chapters_an_attachment_and_metadata() {
    let Some(clips) = Clips::find() else { return };
    let write = |name: &str, bytes: &[u8]| {
        let path = clips.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let subtitles = write("a.srt", b"1\n00:00:00,200 --> 00:00:00,900\nHello\n");
    let chapters = write(
        "chapters.txt",
        b";FFMETADATA1\ntitle=A film\ncomment=everything\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=700\ntitle=One\n\
          [CHAPTER]\nTIMEBASE=1/1000\nSTART=700\nEND=1200\ntitle=Two\n",
    );
    let font = write("font.ttf", &[7; 1000]);
    let languages = ["eng", "deu", "fra"];
    let track = |n: usize| {
        format!("-map 1:a -metadata:s:a:{n} language={} -metadata:s:a:{n} title=t{n} ", languages[n % 3])
    };
    let tracks: String = (0..20).map(track).collect();
    let input = clips.film(
        "all.mkv",
        &format!(
            "-f lavfi -i {PICTURES} -f lavfi -i sine=d=1.2 -i {subtitles} -i {chapters} -map 0:v {tracks} -map 2:s \
             -map_metadata 3 -map_chapters 3 -c:v libx264 -pix_fmt yuv420p -c:a aac -c:s srt -disposition:a:3 default \
             -disposition:s:0 forced -attach {font} -metadata:s:t mimetype=application/x-font-ttf"
        ),
    );
    stays(&clips, &input, "all-out.mkv", "libx264");
    let said = clips.says(&clips.path("all-out.mkv"), &[], "format=nb_streams");
    assert!(said.contains("nb_streams=23"), "{said}");
}

/// RV-PIPE-2108
#[test]
fn a_file_that_is_cut_short_is_made_as_far_as_it_goes_where_damage_is_counted() {
    let Some(clips) = Clips::find() else { return };
    // With its index at the beginning; of Matroska, FFmpeg takes any end for the end.
    let input = clips.small("in.mp4", 30, &["-g", "5", "-movflags", "+faststart"]);
    let bytes = std::fs::read(&input).unwrap();
    let cut = clips.path("cut.mp4");
    std::fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let output = clips.path("out.mkv");
    let upscale = || engine("replicate-2x").upscale(&cut).output(&output);
    let error = upscale().segment(5).resumable(false).run().unwrap_err();
    assert!(error.to_string().contains("cut.mp4"), "{error}");
    let summary = upscale().mode(Mode::Hardened).overwrite(true).segment(5).resumable(false).run().unwrap();
    assert!(summary.frames > 0 && summary.frames < 30, "{summary:?}");
    assert!(summary.cut_short || summary.corrupt_packets + summary.damage.dropped > 0, "{summary:?}");
    let times = |file: &str| clips.says(file, &["-select_streams", "v:0"], "packet=pts");
    assert_eq!(times(&output).lines().count() as u64, summary.frames);
}
