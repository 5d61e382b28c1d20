"""The filter among FFmpeg's others, with every kind of CUDA frame."""

import re
import time

from counters import FLAT_MIB, MemoryInUse
from ffmpeg import CUDA_INPUT, filter_errors, frames_of, hashes, same_hashes
from report import expect

DOUBLE, DOUBLE_FP32, SAME = "animevideov3-x2-dyn-fp16", "animevideov3-x2-dyn-fp32io", "sharpen-1x-dyn-fp16"
DOWNLOAD = "hwdownload,format=nv12"
UPLOADER = ["-init_hw_device", "cuda=gpu", "-filter_hw_device", "gpu"]
# What the clips of 180 lines hold.
FRAMES, WIDTH, HEIGHT = 132, 320, 180


def nv12_bytes(width, height):
    """Bytes of an nv12 picture; odd sides have one more chroma sample."""
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def section(place):
    # RV-FILT-1302, RV-FILT-1303, RV-FILT-1305, RV-ENG-1207
    ffmpeg, report = place.ffmpeg, place.report
    double, same = ffmpeg.rave(DOUBLE), ffmpeg.rave(SAME)
    clip = place.bundle.clip("180p")
    two_sizes = place.bundle.folder / "clips" / "two-sizes.h264"
    reference = {}

    def doubled():
        """Frames of the clip, doubled; once."""
        if "double" not in reference:
            reference["double"] = ffmpeg.on_gpu("180p", f"{double},{DOWNLOAD}")
        return reference["double"]

    def sharpened():
        """Frames of the clip, sharpened; once."""
        if "same" not in reference:
            reference["same"] = ffmpeg.on_gpu("180p", f"{same},{DOWNLOAD}")
        return reference["same"]

    def plain():
        """Frames of the clip as they are decoded; once."""
        if "plain" not in reference:
            reference["plain"] = ffmpeg.on_gpu("180p", DOWNLOAD)
        return reference["plain"]

    def sized(frames, width, height, count=FRAMES, size=nv12_bytes):
        expect(len(frames) == count, f"{len(frames)} frames of {count}")
        wrong = [frame.size for frame in frames if frame.size != size(width, height)]
        expect(not wrong, f"{len(wrong)} frames have {wrong[:1]} bytes; {width}x{height} has {size(width, height)}")
        return f"{count} frames of {width}x{height}"

    def every_frame_and_time():
        for made, name in ((doubled(), "doubled"), (sharpened(), "sharpened")):
            expect([frame.time() for frame in made] == [frame.time() for frame in plain()],
                   f"{name}: times differ from the input's")
        return sized(doubled(), 2 * WIDTH, 2 * HEIGHT)

    report.check("frames come out with the input's times", every_frame_and_time)

    def repeats():
        """RV-FILT-1309: each frame three times."""
        def thrice(dedup):
            outcome = ffmpeg.run([*CUDA_INPUT, "-i", clip, "-an", "-vf",
                                  f"fps=75,{ffmpeg.rave(DOUBLE, f'dedup={dedup}')},{DOWNLOAD}", "-f", "framemd5", "-"],
                                 level="verbose")
            expect(outcome.status == 0, outcome.why())
            return frames_of(outcome.text()), outcome
        (all_of_them, before), (once, after) = thrice("none"), thrice("exact")
        same_hashes(all_of_them, once, "dedup=exact")
        found = re.search(r"(\d+) frames were repeats", after.stderr)
        expect(found and int(found[1]) > FRAMES, f"{found and found[0]}: {after.why()}")
        return f"{found[1]} of {len(once)} were repeats; {before.seconds:.2f} s without, {after.seconds:.2f} s with"

    report.check("repeated frames get the result of the frame before, and nothing else changes", repeats)

    def tiles_and_batches():
        """RV-ENG-1307: whatever the batch that tiles go through in, they are blended to the same bits."""
        def tiled(options):
            return ffmpeg.on_gpu("1080p", f"{ffmpeg.rave('animevideov3-x2-720p-batch4-fp16', options)},{DOWNLOAD}",
                                 "-frames:v", "3")
        four = tiled("streams=1")
        same_hashes(four, tiled("batch=2:streams=2:graph=off"), "tiles two at a time")
        return sized(four, 3840, 2160, 3)

    report.check("tiles are the same in batches of two and four", tiles_and_batches)

    chains = {
        "scale_cuda before": (f"scale_cuda=640:360,{double},{DOWNLOAD}", 1280, 720),
        "scale_cuda after": (f"{double},scale_cuda=320:180,{DOWNLOAD}", 320, 180),
        "yadif_cuda before": (f"yadif_cuda=mode=send_frame,{double},{DOWNLOAD}", 640, 360),
        "bwdif_cuda before": (f"bwdif_cuda=mode=send_frame,{double},{DOWNLOAD}", 640, 360),
        "odd sizes": (f"scale_cuda=319:179,{double},{DOWNLOAD}", 638, 358),
        "odd sizes at both ends": (f"scale_cuda=319:179,{same},{DOWNLOAD}", 319, 179),
        "two instances, one after the other": (f"{same},{double},{DOWNLOAD}", 640, 360),
    }
    for name, (chain, width, height) in chains.items():
        report.check(name, lambda chain=chain, width=width, height=height:
                     sized(ffmpeg.on_gpu("180p", chain), width, height))

    def overlay():
        graph = (f"[0:v]split[a][b];[a]{double}[big];[b]scale_cuda=160:90[small];"
                 f"[big][small]overlay_cuda=x=8:y=8,{DOWNLOAD}")
        frames = ffmpeg.frames([*CUDA_INPUT, "-i", clip, "-an", "-filter_complex", graph])
        expect(hashes(frames) != hashes(doubled()), "nothing was laid over the picture")
        return sized(frames, 640, 360)

    report.check("overlay_cuda after", overlay)

    def twice_by_way_of_the_host():
        here = ffmpeg.on_gpu("180p", f"{same},{same},{DOWNLOAD}")
        there = ffmpeg.frames([*UPLOADER, *CUDA_INPUT, "-hwaccel_device", "gpu", "-i", clip, "-an", "-vf",
                               f"{same},{DOWNLOAD},hwupload,{same},{DOWNLOAD}"])
        same_hashes(here, there, "two instances, and two with the frame on the host between them")

    report.check("two instances give what two runs give", twice_by_way_of_the_host)

    def uploaded():
        frames = ffmpeg.frames([*UPLOADER, "-i", clip, "-an", "-vf", f"format=nv12,hwupload_cuda,{double},{DOWNLOAD}"])
        same_hashes(doubled(), frames, "decoded on the GPU, and uploaded")

    report.check("frames of hwupload_cuda give what decoded ones give", uploaded)

    def outputs(graph, *labels):
        """The hashes of each output of a graph."""
        files = [place.work / f"output{number}.framemd5" for number in range(len(labels))]
        words = [*CUDA_INPUT, "-i", clip, "-an", "-filter_complex", graph]
        for label, file in zip(labels, files):
            words += ["-map", label, "-f", "framemd5", file]
        outcome = ffmpeg.run(words)
        expect(outcome.status == 0, outcome.why())
        return [hashes(frames_of(file.read_text(encoding="utf-8"))) for file in files]

    def split():
        one, two = outputs(f"[0:v]split[a][b];[a]{double},{DOWNLOAD}[x];[b]{same},{DOWNLOAD}[y]", "[x]", "[y]")
        expect(one == hashes(doubled()), "the doubled branch differs from a run of its own")
        expect(two == hashes(sharpened()), "the sharpened branch differs from a run of its own")

    report.check("two branches of a split give what single runs give", split)

    def not_in_place():
        made, kept = outputs(f"[0:v]split[a][b];[a]{same},{DOWNLOAD}[x];[b]{DOWNLOAD}[y]", "[x]", "[y]")
        expect(made == hashes(sharpened()), "frames that somebody else holds give other results")
        expect(kept == hashes(plain()), "the other branch's frames were written to")

    report.check("a 1x model writes over no frame that somebody else holds", not_in_place)

    def unsafe_output():
        frames = ffmpeg.on_gpu("180p", f"{double},{DOWNLOAD}", inputs=["-hwaccel_flags", "+unsafe_output"])
        same_hashes(doubled(), frames, "with and without unsafe_output")
        frames = ffmpeg.on_gpu("180p", f"{same},{DOWNLOAD}", inputs=["-hwaccel_flags", "+unsafe_output"])
        same_hashes(sharpened(), frames, "with and without unsafe_output, 1x")

    report.check("the decoder's own surfaces give the same (unsafe_output)", unsafe_output)

    def early_close():
        outcome = ffmpeg.run([*CUDA_INPUT, "-i", clip, "-an", "-vf", double, "-frames:v", "5", "-f", "null", "-"],
                             limit=30)
        expect(outcome.status == 0, outcome.why())

    report.check("an early end is no error", early_close)

    pixels = {
        "p010le": (DOUBLE_FP32, lambda w, h: 2 * nv12_bytes(w, h)),
        "yuv420p": (DOUBLE, nv12_bytes),
        "yuv444p": (DOUBLE, lambda w, h: 3 * w * h),
        "yuv444p16le": (DOUBLE, lambda w, h: 6 * w * h),
        "rgb0": (DOUBLE, lambda w, h: 4 * w * h),
        "bgr0": (DOUBLE, lambda w, h: 4 * w * h),
    }
    for form, (engine, size) in pixels.items():
        report.check(f"{form} frames", lambda form=form, engine=engine, size=size: sized(ffmpeg.frames(
            [*UPLOADER, "-i", clip, "-an", "-frames:v", "24", "-vf",
             f"format={form},hwupload_cuda,{ffmpeg.rave(engine)},hwdownload,format={form}"]), 640, 360, 24, size))

    report.check("format=p010le makes 10 bits of 8", lambda: sized(
        ffmpeg.on_gpu("180p", f"{ffmpeg.rave(DOUBLE, 'format=p010le')},hwdownload,format=p010le"), 640, 360, FRAMES,
        lambda w, h: 2 * nv12_bytes(w, h)))

    def size_change():
        outcome = ffmpeg.run([*CUDA_INPUT, "-i", two_sizes, "-an", "-noautoscale", "-vf", f"{double},{DOWNLOAD}",
                              "-f", "framemd5", "-"], level="verbose")
        expect(outcome.status == 0, outcome.why())
        sizes = [frame.size for frame in frames_of(outcome.text())]
        expected = [nv12_bytes(640, 360)] * 24 + [nv12_bytes(960, 540)] * 24
        expect(sizes == expected, f"{len(sizes)} frames with sizes {sorted(set(sizes))}, expected 24 and 24 with "
                                  f"{sorted(set(expected))}")
        loads = re.findall(r"model \S+ (already loaded|loaded):", outcome.stderr)
        expect(loads and loads[0] == "loaded" and set(loads[1:]) == {"already loaded"}, f"the engine was {loads}")
        return f"48 frames; the engine was {', then '.join(loads)}"

    report.check("the size changes within the stream", size_change)

    def many_size_changes():
        """RV-ENG-1207: 199 changes load the engine once and leave the memory in use as it was."""
        pictures = two_sizes.read_bytes()
        # A sequence parameter set begins each size; both are whole streams.
        second = pictures.index(b"\0\0\0\1\x67", 5)
        clip = place.work / "alternating.h264"
        clip.write_bytes(pictures * 100)
        with MemoryInUse() as memory:
            begun = time.monotonic()
            outcome = ffmpeg.run([*CUDA_INPUT, "-i", clip, "-an", "-noautoscale", "-vf", f"{double},{DOWNLOAD}",
                                  "-f", "framemd5", "-"], level="verbose", limit=120)
            ended = time.monotonic()
        clip.unlink()
        expect(0 < second < len(pictures), "the clip holds one size")
        expect(outcome.status == 0, outcome.why())
        frames = frames_of(outcome.text())
        sizes = [frame.size for frame in frames]
        expected = ([nv12_bytes(640, 360)] * 24 + [nv12_bytes(960, 540)] * 24) * 100
        expect(sizes == expected, f"{len(sizes)} frames of {len(expected)}, {len(set(sizes))} sizes")
        expect(hashes(frames) == hashes(frames[:48]) * 100, "equal frames gave different ones later")
        loads = re.findall(r"model \S+ (already loaded|loaded):", outcome.stderr)
        expect(loads.count("loaded") == 1, f"the engine was loaded {loads.count('loaded')} times")
        used = [mib for when, mib in memory.samples if begun + 0.3 * (ended - begun) < when < ended - 1]
        expect(len(used) >= 3, f"{len(used)} samples of the memory in use")
        halves = used[:len(used) // 2], used[len(used) // 2:]
        grown = max(halves[1]) - max(halves[0])
        report.store(alternations={"changes": len(loads) - 1, "seconds": round(outcome.seconds, 1), "memory_mib": used})
        expect(grown <= FLAT_MIB, f"the memory in use grew by {grown} MiB between the halves: {used}")
        return f"{len(loads) - 1} changes in {outcome.seconds:.0f} s, at most {max(used)} MiB in use"

    report.check("the size changes 199 times", many_size_changes)

    def crop():
        outcome = ffmpeg.run([*CUDA_INPUT, "-i", clip, "-an", "-vf", f"crop=200:100:20:30,{double}",
                              "-c:v", "wrapped_avframe", "-f", "null", "-"], level="info")
        expect(outcome.status == 0, outcome.why())
        expect("is nv12 200x100 now" in outcome.stderr, f"the filter did not crop: {outcome.said()}")
        stream = re.search(r"wrapped_avframe.*?, (\d+x\d+)", outcome.stderr)
        expect(stream and stream[1] == "400x200", f"the output is {stream and stream[1]}, not 400x200")

    report.check("cropping that comes with CUDA frames is done, into an encoder", crop)

    def crop_refused():
        outcome = ffmpeg.run([*CUDA_INPUT, "-i", clip, "-an", "-vf", f"crop=200:100:20:30,{double},{DOWNLOAD}",
                              "-f", "null", "-"], limit=30)
        said = filter_errors(outcome)
        expect(outcome.status == 234 and len(said) == 1 and "cropping be done" in said[0],
               f"exit status {outcome.status}, {said}: {outcome.said()}")
        return said[0]

    report.check("before a filter that was set up for another size it is refused", crop_refused)
