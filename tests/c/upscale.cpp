// Upscales a picture with a model: upscale.c, as one would write it in C++17.
//
//     upscale MODEL.onnx IN.ppm OUT.ppm
//
// The interface is C; what C++ adds is a few lines: owners that end handles, and an exception for a failed call.

#include <rave.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rave {

// A failed call: its status, and the whole message for people.
class Error : public std::runtime_error {
public:
    explicit Error(int32_t status) : std::runtime_error(rave_last_error(nullptr)), status_(status) {}
    int32_t status() const noexcept { return status_; }

private:
    int32_t status_;
};

inline void check(int32_t status)
{
    if (status != RAVE_OK)
        throw Error(status);
}

// The destroying functions take the address of the handle and cannot fail for one that nobody else has.
struct Destroy {
    void operator()(RaveContext *handle) const noexcept { rave_context_destroy(&handle); }
    void operator()(RaveModel *handle) const noexcept { rave_model_destroy(&handle); }
    void operator()(RaveSession *handle) const noexcept { rave_session_destroy(&handle); }
};

template <typename Handle> using Owner = std::unique_ptr<Handle, Destroy>;

// Calls a creating function, whose last parameter is the place for the status.
template <typename Handle, typename... Parameters, typename... Arguments>
Owner<Handle> create(Handle *(*function)(Parameters...), Arguments... arguments)
{
    int32_t status = RAVE_ERROR_UNKNOWN;
    Owner<Handle> owner(function(arguments..., &status));
    if (!owner)
        throw Error(status);
    return owner;
}

} // namespace rave

namespace {

struct Picture {
    uint32_t width = 0;
    uint32_t height = 0;
    std::vector<uint8_t> pixels;

    Picture(uint32_t w, uint32_t h) : width(w), height(h), pixels(std::size_t{3} * w * h) {}

    RaveFrame frame()
    {
        RaveFrame frame = RAVE_FRAME_INIT;
        frame.format = RAVE_PIX_FMT_RGB24;
        frame.width = width;
        frame.height = height;
        frame.data[0] = pixels.data();
        frame.linesize[0] = std::int64_t{3} * width;
        return frame;
    }
};

Picture read_ppm(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    std::string magic;
    uint32_t width = 0, height = 0, white = 0;
    file >> magic >> width >> height >> white;
    if (!file || magic != "P6" || white != 255 || width == 0 || height == 0 || width > 32768 || height > 32768)
        throw std::runtime_error(path + " is not a readable binary PPM of 8 bits");
    file.get();
    Picture picture(width, height);
    if (!file.read(reinterpret_cast<char *>(picture.pixels.data()), static_cast<std::streamsize>(picture.pixels.size())))
        throw std::runtime_error(path + " is cut off");
    return picture;
}

void write_ppm(const Picture &picture, const std::string &path)
{
    std::ofstream file(path, std::ios::binary);
    file << "P6\n" << picture.width << ' ' << picture.height << "\n255\n";
    file.write(reinterpret_cast<const char *>(picture.pixels.data()), static_cast<std::streamsize>(picture.pixels.size()));
    file.close();
    if (!file)
        throw std::runtime_error(path + " could not be written");
}

void upscale(const char *model_path, const std::string &from, const std::string &to)
{
    Picture input = read_ppm(from);

    const RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    const auto context = rave::create(rave_context_create, &device);
    const auto model = rave::create(rave_model_load, context.get(), model_path, nullptr);
    std::cout << rave_model_description(model.get()) << '\n';

    RaveSessionConfig geometry = RAVE_SESSION_CONFIG_INIT;
    geometry.format = RAVE_PIX_FMT_RGB24;
    geometry.width = input.width;
    geometry.height = input.height;
    const auto session = rave::create(rave_session_create, model.get(), &geometry);

    uint32_t width = 0, height = 0;
    rave::check(rave_session_output_size(session.get(), &width, &height));
    Picture output(width, height);
    RaveFrame source = input.frame(), target = output.frame();
    rave::check(rave_session_process(session.get(), &source, &target));
    write_ppm(output, to);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::cerr << "usage: " << argv[0] << " MODEL.onnx IN.ppm OUT.ppm\n";
        return 2;
    }
    try {
        upscale(argv[1], argv[2], argv[3]);
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
