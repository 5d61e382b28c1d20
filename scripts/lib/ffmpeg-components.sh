# What a lean FFmpeg of RAVE is made of: what its demo, its tests and everyday use by `-vf rave` need. Names that an
# FFmpeg version does not have are left out there. Source it.
# shellcheck shell=bash disable=SC2034

FFMPEG_COMPONENT_KINDS=(decoder encoder demuxer muxer parser bsf protocol indev hwaccel filter)
declare -A FFMPEG_COMPONENTS=(
    [decoder]="h264 hevc av1 libdav1d vp8 vp9 mpeg2video mpeg4 mjpeg png prores ffv1 rawvideo wrapped_avframe
        aac ac3 flac mp3 opus pcm_s16le vorbis
        av1_cuvid h264_cuvid hevc_cuvid mjpeg_cuvid mpeg4_cuvid vp9_cuvid"
    [encoder]="libx264 ffv1 mjpeg mpeg4 png rawvideo wrapped_avframe aac flac pcm_s16le
        av1_nvenc h264_nvenc hevc_nvenc"
    [demuxer]="avi concat ffmetadata flac h264 hevc image2 image2pipe image_png_pipe ivf matroska mov mp3 mpegts ogg
        rawvideo wav yuv4mpegpipe"
    [muxer]="avi framehash framemd5 h264 hash hevc image2 image2pipe matroska mov mp4 mpegts null rawvideo wav
        yuv4mpegpipe"
    [parser]="aac ac3 av1 flac h264 hevc mjpeg mpeg4video mpegaudio mpegvideo opus png vorbis vp8 vp9"
    [bsf]="aac_adtstoasc av1_metadata dump_extradata extract_extradata filter_units h264_metadata h264_mp4toannexb
        hevc_metadata hevc_mp4toannexb mpeg4_unpack_bframes noise setts trace_headers vp9_superframe
        vp9_superframe_split"
    [protocol]="fd file pipe"
    [indev]="lavfi"
    [hwaccel]="av1_nvdec h264_nvdec hevc_nvdec mjpeg_nvdec mpeg2_nvdec mpeg4_nvdec vp9_nvdec"
    [filter]="rave
        aformat anull anullsrc aresample asetpts asplit atrim sine
        blend bwdif color colorspace concat crop drawbox extractplanes format fps framerate gradients hflip hstack
        interlace loop lut lutrgb lutyuv mandelbrot metadata noise null nullsrc overlay pad psnr reverse scale select
        setfield setparams setpts setsar settb showinfo sidedata smptebars split ssim testsrc testsrc2 tpad transpose
        trim vflip vstack yadif
        bwdif_cuda chromakey_cuda hwdownload hwupload hwupload_cuda overlay_cuda scale_cuda thumbnail_cuda
        transpose_cuda yadif_cuda"
)

# What the default version has beside these, because the command rave links its libraries: it reads every container and
# the common codecs. The other versions show that the filter works in them.
FFMPEG_WHOLE_KINDS=(demuxers parsers bsfs)
declare -A FFMPEG_MORE_COMPONENTS=(
    [decoder]="mpeg1video h263 flv msmpeg4v1 msmpeg4v2 msmpeg4v3 wmv1 wmv2 wmv3 vc1 theora vp3 vp6 vp6a vp6f rv30 rv40
        cinepak svq1 svq3 msvideo1 mjpegb dnxhd cfhd dvvideo ffvhuff huffyuv utvideo magicyuv v210 r210 qtrle apng
        bmp dpx exr gif jpeg2000 pam pbm pgm ppm targa tiff webp adpcm_ima_wav adpcm_ms alac ape dca eac3 mlp
        mp1float mp2 mp2float mp3float pcm_alaw pcm_bluray pcm_dvd pcm_f32le pcm_mulaw pcm_s16be pcm_s24be pcm_s24le
        pcm_s32le pcm_u8 truehd wavpack wmav1 wmav2 wmapro ass dvbsub dvdsub movtext pgssub srt ssa subrip text
        webvtt"
    [encoder]="libx265 ffvhuff huffyuv utvideo mpeg2video prores_ks dnxhd v210 bmp tiff ac3 mp2 opus pcm_s24le vorbis ass
        movtext srt ssa subrip text webvtt"
    [muxer]="adts apng asf ass flac flv gif ipod ivf mp3 mpeg2vob mxf nut obu ogg opus psp srt tgp webm webvtt"
)
