//! The device's objects: contexts, streams, events, memory, the pool and graphs, on a GPU.

use half::f16;
use rave_core::pixels::Unpack;
use rave_core::{
    ChromaSiting, Colorimetry, ElementType, ElementsMut, Error, Matrix, PixelFormat, Range, Rect, Result,
    Size, Status, TensorShape, ValueRange, check_device_alive,
};
use rave_cuda::{
    BucketedPool, Device, DeviceBuffer, DevicePlane, Event, FrameOnDevice, GraphUpdate, NonFiniteCounter,
    PackKernel, PixelKernels, Stream, TensorOnDevice, UnpackKernel,
};

use super::compare::Bed;

type Check = (&'static str, fn(&Bed) -> Result<()>);

/// Every check, by what it shows.
pub(crate) const CHECKS: [Check; 10] = [
    ("a context that was adopted outlives its device", adopted_context),
    ("streams and threads share a context", threads),
    ("events order streams", events_order_streams),
    ("a pool's steady state allocates nothing", pool_steady_state),
    ("a pool hands a block over in order", pool_order),
    ("running out of memory says how much was free", out_of_memory),
    ("a frame in place survives the way to a tensor and back", in_place_round_trip),
    ("a graph replays, takes new parameters and new work", graph),
    ("elements that are not finite are an error later", non_finite),
    ("a counter is freed after the work that counts", counter_outlives_its_work),
];

fn expect(holds: bool, what: impl Into<String>) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(Status::Unknown, what)) }
}

fn content(buffer: &DeviceBuffer, stream: &Stream) -> Result<Vec<u8>> {
    let mut bytes = vec![0; buffer.bytes()];
    buffer.download(stream, 0, &mut bytes)?;
    Ok(bytes)
}

fn adopted_context(bed: &Bed) -> Result<()> {
    let owner = bed.stream.device();
    {
        // SAFETY: the context is the bed's, which outlives this block.
        let adopted = unsafe { Device::adopt(owner.context()) }?;
        expect(adopted.is_same(owner) && adopted.info() == owner.info(), "another device was adopted")?;
        // SAFETY: the stream is the bed's, of the same context; then the legacy default stream.
        let streams = unsafe {
            [Stream::adopt(&adopted, bed.stream.as_raw()), Stream::adopt(&adopted, std::ptr::null_mut())]
        };
        for stream in streams {
            let buffer = DeviceBuffer::new(&adopted, 1000)?;
            buffer.fill(&stream, 7)?;
            expect(content(&buffer, &stream)? == [7; 1000], "the fill did not arrive")?;
        }
    }
    let buffer = DeviceBuffer::new(owner, 1000)?;
    buffer.fill(&bed.stream, 9)?;
    expect(content(&buffer, &bed.stream)? == [9; 1000], "the context was lost with the adopted device")?;
    // SAFETY: null is allowed and refused.
    let null = unsafe { Device::adopt(std::ptr::null_mut()) };
    expect(
        null.is_err_and(|error| error.status() == Status::InvalidParameter),
        "a null context was adopted",
    )?;
    let missing = Device::create(u32::MAX);
    expect(missing.is_err_and(|error| error.status() == Status::InvalidDevice), "GPU number 2^32-1 exists")
}

fn threads(bed: &Bed) -> Result<()> {
    let device = bed.stream.device();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..=8u8)
            .map(|value| {
                scope.spawn(move || -> Result<()> {
                    let stream = Stream::create(device)?;
                    let buffer = DeviceBuffer::new(device, 1 << 20)?;
                    for _ in 0..50 {
                        buffer.fill(&stream, value)?;
                        let found = content(&buffer, &stream)?;
                        expect(found.iter().all(|&byte| byte == value), "another thread's content")?;
                    }
                    expect(stream.is_idle()?, "a synchronised stream is busy")
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().map_err(|_| Error::new(Status::Unknown, "a thread panicked"))?
        })
    })
}

fn events_order_streams(bed: &Bed) -> Result<()> {
    let device = bed.stream.device();
    let (first, second) = (Stream::create(device)?, Stream::create(device)?);
    let (large, copy) = (DeviceBuffer::new(device, 256 << 20)?, DeviceBuffer::new(device, 256 << 20)?);
    let (start, end) = (Event::with_timing(device)?, Event::with_timing(device)?);
    for value in 1..=20 {
        start.record(&first)?;
        large.fill(&first, value)?;
        end.record(&first)?;
        second.wait(&end)?;
        copy.copy_from(&second, &large, large.bytes())?;
        let joined = Event::new(device)?;
        joined.record(&second)?;
        first.wait(&joined)?;
    }
    second.synchronize()?;
    let mut last = [0; 4096];
    copy.download(&second, copy.bytes() - last.len(), &mut last)?;
    expect(last == [20; 4096], "the second stream did not wait")?;
    expect(end.is_done()? && end.milliseconds_since(&start)? > 0.0, "no time passed")
}

fn pool_steady_state(bed: &Bed) -> Result<()> {
    let pool = BucketedPool::new(bed.stream.device());
    let mut first = None;
    for frame in 0..200 {
        let input = pool.acquire(1920 * 1080 * 6, &bed.stream)?;
        let output = pool.acquire(3840 * 2160 * 6, &bed.stream)?;
        let addresses = (input.address(), output.address());
        expect(*first.get_or_insert(addresses) == addresses, format!("frame {frame} got other addresses"))?;
        input.release(&bed.stream)?;
        output.release(&bed.stream)?;
    }
    let stats = pool.stats();
    expect(stats.misses == 2 && stats.hit_rate() >= 0.95, format!("{stats:?}"))?;
    let held = stats.held_bytes;
    expect(pool.trim() == held && pool.stats().held_bytes == 0, "not everything was trimmed")
}

fn pool_order(bed: &Bed) -> Result<()> {
    const BYTES: usize = 128 << 20;
    let device = bed.stream.device();
    let (first, second) = (Stream::create(device)?, Stream::create(device)?);
    let pool = BucketedPool::new(device);
    let (source, kept) = (DeviceBuffer::new(device, BYTES)?, DeviceBuffer::new(device, BYTES)?);
    for value in 1..=10 {
        // The first stream's block is copied out at the end of its work; the second overwrites it at once.
        source.fill(&first, value)?;
        let block = pool.acquire(BYTES, &first)?;
        let address = block.address();
        kept.copy_from(&first, &source, BYTES)?;
        block.release(&first)?;
        let block = pool.acquire(BYTES, &second)?;
        expect(block.address() == address, "the block was not handed over")?;
        source.fill(&second, 0xee)?;
        block.release(&second)?;
        let done = Event::new(device)?;
        done.record(&second)?;
        first.wait(&done)?;
        expect(
            content(&kept, &first)?.iter().all(|&byte| byte == value),
            "the second stream overtook the first",
        )?;
    }
    expect(pool.stats().misses == 1, format!("{:?}", pool.stats()))
}

fn out_of_memory(bed: &Bed) -> Result<()> {
    let device = bed.stream.device();
    let error = DeviceBuffer::new(device, 1 << 46).err();
    let text = error.as_ref().map(ToString::to_string).unwrap_or_default();
    expect(error.is_some_and(|error| error.status() == Status::OutOfMemory), "64 TiB were allocated")?;
    expect(text.contains("70368744177664") && text.contains("are free"), text)?;
    check_device_alive()?;
    let (free, total) = device.memory()?;
    expect(free <= total, "more memory is free than there is")?;
    let buffer = DeviceBuffer::new(device, 64)?;
    buffer.fill(&bed.stream, 3)?;
    expect(
        content(&buffer, &bed.stream)? == [3; 64],
        "the device does not work after running out of memory",
    )?;
    let outside = buffer.upload(&bed.stream, 60, &[0; 8]);
    expect(
        outside.is_err_and(|error| error.status() == Status::InvalidParameter),
        "a copy past the end was made",
    )
}

const SIZE: Size = Size::new(322, 181);
const COLOR: Colorimetry =
    Colorimetry { matrix: Matrix::Bt709, range: Range::Limited, siting: ChromaSiting::Left };

/// An nv12 frame of FFmpeg's layout.
struct Frame {
    memory: DeviceBuffer,
    frame: FrameOnDevice,
}

impl Frame {
    fn new(bed: &Bed, seed: u64) -> Result<(Self, Vec<u8>)> {
        const PITCH: usize = 512;
        let height = SIZE.height as usize;
        let mut random = super::random::Random::of(seed, 0);
        let bytes: Vec<u8> =
            (0..PITCH * (height + height.div_ceil(2))).map(|_| random.next() as u8).collect();
        let memory = bed.upload(&bytes)?;
        let plane =
            |row: usize| DevicePlane { address: memory.address() + (row * PITCH) as u64, pitch: PITCH };
        // SAFETY: both planes lie inside the memory, which is returned beside the frame.
        let frame = unsafe { FrameOnDevice::new(PixelFormat::Nv12, SIZE, &[plane(0), plane(height)]) }?;
        Ok((Frame { memory, frame }, bytes))
    }
}

fn tensor(bed: &Bed, element: ElementType) -> Result<(DeviceBuffer, TensorOnDevice)> {
    let shape = TensorShape { channels: 3, size: SIZE };
    let memory =
        DeviceBuffer::new(bed.stream.device(), shape.elements() * rave_cuda::element_bytes(element))?;
    memory.fill(&bed.stream, 0xff)?;
    // SAFETY: the memory holds the elements and is returned beside the tensor.
    let tensor = unsafe { TensorOnDevice::new(memory.address(), element, shape) }?;
    Ok((memory, tensor))
}

fn in_place_round_trip(bed: &Bed) -> Result<()> {
    let (frame, bytes) = Frame::new(bed, 1)?;
    let (_memory, tensor) = tensor(bed, ElementType::F32)?;
    let unpack = UnpackKernel::new(&bed.kernels, PixelFormat::Nv12, SIZE, ElementType::F32, 3, SIZE)?;
    let pack = PackKernel::new(&bed.kernels, PixelFormat::Nv12, SIZE, ElementType::F32, SIZE, true)?;
    unpack.launch(&bed.stream, &frame.frame, COLOR, ValueRange::Unit, &tensor)?;
    pack.launch(&bed.stream, &tensor, ValueRange::Unit, COLOR, &frame.frame, None)?;
    expect(content(&frame.memory, &bed.stream)? == bytes, "the frame changed")?;
    let cropped = frame.frame.with_visible(Rect { x: 2, y: 0, size: Size::new(320, 181) })?;
    let refused = unpack.launch(&bed.stream, &cropped, COLOR, ValueRange::Unit, &tensor);
    expect(
        refused.is_err_and(|error| error.status() == Status::InvalidParameter),
        "another geometry was accepted",
    )
}

fn graph(bed: &Bed) -> Result<()> {
    let stream = Stream::create(bed.stream.device())?;
    let unpack = UnpackKernel::new(&bed.kernels, PixelFormat::Nv12, SIZE, ElementType::F16, 3, SIZE)?;
    let frames = [Frame::new(bed, 2)?, Frame::new(bed, 3)?];
    let (memory, tensor) = tensor(bed, ElementType::F16)?;
    let launch = |stream: &Stream, which: usize| {
        unpack.launch(stream, &frames[which].0.frame, COLOR, ValueRange::Unit, &tensor)
    };
    let expected = |which: usize| -> Result<Vec<u8>> {
        let bytes = &frames[which].1;
        let (luma, chroma) = bytes.split_at(512 * SIZE.height as usize);
        let tags = rave_core::ColorTags::default();
        let frame = rave_core::Frame::new(PixelFormat::Nv12, SIZE, tags, &[(luma, 512), (chroma, 512)])?;
        let mut reference = Unpack::new(PixelFormat::Nv12, SIZE, 3, SIZE)?;
        let mut values = vec![f16::ZERO; reference.tensor().elements()];
        reference.run(&frame, COLOR, ValueRange::Unit, ElementsMut::F16(&mut values))?;
        Ok(values.into_iter().flat_map(f16::to_le_bytes).collect())
    };

    let mut executable = stream.capture(|stream| launch(stream, 0))?.instantiate()?;
    expect(content(&memory, &bed.stream)?.iter().all(|&byte| byte == 0xff), "capturing ran the work")?;
    for _ in 0..3 {
        memory.fill(&stream, 0xff)?;
        // SAFETY: the frame and the tensor live until the end of this function, which waits for the stream.
        unsafe { executable.launch(&stream) }?;
        expect(content(&memory, &stream)? == expected(0)?, "the replay is not the launch")?;
    }
    let update = executable.update(stream.capture(|stream| launch(stream, 1))?)?;
    expect(update == GraphUpdate::InPlace, "new parameters made a new graph")?;
    // SAFETY: as above.
    unsafe { executable.launch(&stream) }?;
    expect(content(&memory, &stream)? == expected(1)?, "the new parameters were not taken")?;

    let more = stream.capture(|stream| {
        memory.fill(stream, 0)?;
        launch(stream, 0)
    })?;
    expect(executable.update(more)? == GraphUpdate::Rebuilt, "other work was taken over in place")?;
    // SAFETY: as above.
    unsafe { executable.launch(&stream) }?;
    expect(content(&memory, &stream)? == expected(0)?, "the new work was not taken")?;

    let failed = stream.capture(|_| Err(Error::new(Status::Cancelled, "stopped")));
    expect(failed.is_err_and(|error| error.status() == Status::Cancelled), "the error was lost")?;
    memory.fill(&stream, 1)?;
    stream.synchronize()
}

fn non_finite(bed: &Bed) -> Result<()> {
    let (frame, _) = Frame::new(bed, 4)?;
    // Filled with 0xff, every element is NaN.
    let (_memory, tensor) = tensor(bed, ElementType::F16)?;
    let counter = NonFiniteCounter::new(bed.stream.device())?;
    let counted = Event::new(bed.stream.device())?;
    let pack = PackKernel::new(&bed.kernels, PixelFormat::Nv12, SIZE, ElementType::F16, SIZE, false)?;
    let enqueue = || {
        pack.launch(&bed.stream, &tensor, ValueRange::Unit, COLOR, &frame.frame, Some(&counter))?;
        counted.record(&bed.stream)
    };
    counter.check()?;
    enqueue()?;
    counted.synchronize()?;
    let error = counter.check().err();
    let text = error.as_ref().map(ToString::to_string).unwrap_or_default();
    let elements = tensor.shape().elements() as u32;
    expect(
        error.is_some_and(|error| error.status() == Status::InferenceFailed)
            && text.contains(&elements.to_string()),
        text,
    )?;
    expect(counter.take() == 0, "the counter was not reset")?;
    enqueue()?;
    enqueue()?;
    counted.synchronize()?;
    expect(counter.take() == 2 * elements, "two launches were not added up")?;
    counter.check()
}

fn counter_outlives_its_work(bed: &Bed) -> Result<()> {
    let device = bed.stream.device();
    let stream = Stream::create(device)?;
    let (frame, _) = Frame::new(bed, 5)?;
    let (_memory, tensor) = tensor(bed, ElementType::F16)?;
    bed.stream.synchronize()?;
    let delay = DeviceBuffer::new(device, 1 << 30)?;
    let pack = PackKernel::new(&bed.kernels, PixelFormat::Nv12, SIZE, ElementType::F16, SIZE, false)?;
    let counter = NonFiniteCounter::new(device)?;
    for value in 0..8 {
        delay.fill(&stream, value)?;
    }
    pack.launch(&stream, &tensor, ValueRange::Unit, COLOR, &frame.frame, Some(&counter))?;
    let busy = !stream.is_idle()?;
    drop(counter);
    let idle = stream.is_idle()?;
    expect(busy, "the work was over before the counter was dropped, so that nothing was shown")?;
    expect(idle, "a counter was freed while work that counts was under way")
}

/// Makes a kernel read an address that is not mapped, which costs this process its device, and shows that every later
/// call says so without a CUDA call.
pub(crate) fn lose_device(device: &Device) -> Result<()> {
    let bed = Bed { stream: Stream::create(device)?, kernels: PixelKernels::load(device)? };
    let (_memory, tensor) = tensor(&bed, ElementType::F32)?;
    let plane = DevicePlane { address: 1 << 20, pitch: 512 };
    // SAFETY: it is not: nothing is mapped there. The driver stops the kernel and reports it, which is what is tested.
    let frame = unsafe { FrameOnDevice::new(PixelFormat::Nv12, SIZE, &[plane, plane]) }?;
    let unpack = UnpackKernel::new(&bed.kernels, PixelFormat::Nv12, SIZE, ElementType::F32, 3, SIZE)?;
    unpack.launch(&bed.stream, &frame, COLOR, ValueRange::Unit, &tensor)?;
    let lost = |outcome: Result<()>| outcome.is_err_and(|error| error.status() == Status::DeviceLost);
    let outcome = bed.stream.synchronize();
    println!("the kernel's error: {outcome:?}");
    expect(lost(outcome), "the illegal address was not reported as a lost device")?;
    expect(lost(check_device_alive()), "the loss was forgotten")?;
    expect(lost(DeviceBuffer::new(device, 1).map(drop)), "an allocation was tried")?;
    expect(lost(Device::create(0).map(drop)), "a context was made")?;
    expect(lost(bed.stream.synchronize()), "a stream was used")?;
    println!("every later call says that the device is lost");
    Ok(())
}
