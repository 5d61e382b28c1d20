/* Binary PPM (P6, 8 bits): a header of text, then the rows of R, G, B bytes, top to bottom. For the examples. */

#ifndef PPM_H
#define PPM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Picture {
    uint32_t width;
    uint32_t height;
    uint8_t *pixels; /* width * height * 3 bytes, from malloc */
} Picture;

/* Allocates the pixels of a picture of up to 32768 pixels a side; returns 0 on failure. */
static int picture_allocate(Picture *picture, uint32_t width, uint32_t height)
{
    picture->width = width;
    picture->height = height;
    picture->pixels = NULL;
    if (width == 0 || height == 0 || width > 32768 || height > 32768)
        return 0;
    picture->pixels = (uint8_t *)malloc((size_t)width * height * 3);
    return picture->pixels != NULL;
}

/* Reads the file `path`; returns 0, and nothing to free, on failure. */
static int picture_read(Picture *picture, const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned width = 0, height = 0, white = 0;
    int ok = file && fscanf(file, "P6 %u %u %u", &width, &height, &white) == 3 && white == 255 &&
             fgetc(file) != EOF && picture_allocate(picture, width, height);
    if (ok && fread(picture->pixels, (size_t)width * 3, height, file) != height) {
        free(picture->pixels);
        ok = 0;
    }
    if (file)
        fclose(file);
    if (!ok)
        fprintf(stderr, "%s is not a readable binary PPM of 8 bits\n", path);
    return ok;
}

/* Writes the file `path`; returns 0 on failure. */
static int picture_write(const Picture *picture, const char *path)
{
    FILE *file = fopen(path, "wb");
    int ok = file && fprintf(file, "P6\n%u %u\n255\n", picture->width, picture->height) > 0 &&
             fwrite(picture->pixels, (size_t)picture->width * 3, picture->height, file) == picture->height;
    /* Data may be written only when the file is closed, so that may fail too. */
    if (file && fclose(file) != 0)
        ok = 0;
    if (!ok)
        fprintf(stderr, "%s could not be written\n", path);
    return ok;
}

#endif
