"""Series whose values or pixels must be refused: no Hounsfield units, truncated, corrupt, or not what headers say."""

from __future__ import annotations

import numpy as np
from awkward_inputs import unsigned_padded
from input_case import Case
from input_files import (
    MIDDLE,
    SLICES,
    SYNTAXES,
    changed_file,
    cut,
    enhanced,
    every,
    jpeg_lossless,
    noise_from,
    one,
    reheadered,
    series,
    spoilt,
    syntax_from,
    text,
    values,
)
from pydicom.uid import JPEG2000Lossless

VALUES = [
    Case("no rescale slope", series(every(RescaleSlope=None)), "rescale_missing"),
    Case("no rescale intercept", series(every(RescaleIntercept=None)), "rescale_missing"),
    Case("a slice without intercept", series(one(RescaleIntercept=None)), "rescale_missing"),
    Case("a slope of 0", series(every(RescaleSlope=0)), "rescale_invalid"),
    Case("a negative slope", series(every(RescaleSlope=-1)), "rescale_invalid"),
    Case("a slope that is text", series(text("RescaleSlope", "one")), "rescale_missing"),
    Case("a slope that is not finite", series(text("RescaleSlope", "inf")), "rescale_missing"),
    Case("a slope of 1e300", series(text("RescaleSlope", "1e300")), "rescale_missing"),
    Case("a slope of a million", series(every(RescaleSlope=1000000)), "rescale_invalid"),
    Case("an intercept of 1e8", series(every(RescaleIntercept=100000000)), "rescale_invalid"),
    Case("another intercept in one slice", series(one(RescaleIntercept=0)), "rescale_invalid"),
    Case("another slope in one slice", series(one(RescaleSlope=2)), "rescale_invalid"),
    *(
        Case(
            f"HU {by} off in half of the slices",
            series(lambda d, k, by=by: k > 18 and setattr(d, "RescaleIntercept", -1024 + by)),
            "rescale_invalid",
        )
        for by in (-700, -450, -300, -240, 150, 400)
    ),
    Case(
        "another intercept in half",
        series(lambda d, k: k > 18 and setattr(d, "RescaleIntercept", -1224)),
        "rescale_invalid",
    ),
    Case("no HU: the intercept left out", series(every(RescaleIntercept=0)), "implausible_hu"),
    Case("values of an electron density", series(every(RescaleType="ED")), "rescale_invalid"),
    Case(
        "8 bits",
        series(lambda d, k: d.set_pixel_data(np.zeros((44, 48), np.uint8), "MONOCHROME2", 8)),
        "rescale_invalid",
    ),
    Case("no bits stored", series(every(BitsStored=0)), "rescale_invalid"),
    Case("more bits stored than there are", series(every(BitsStored=20, HighBit=19)), "rescale_invalid"),
    Case("another highest bit", series(every(HighBit=15)), "rescale_invalid"),
    Case(
        "signed values that are said to be unsigned",
        series(lambda d, k: (values(lambda hu, k: hu)(d, k), every(PixelRepresentation=0)(d, k))),
        "implausible_hu",
    ),
    Case("all voxels the same", series(values(lambda hu, k: hu * 0 + 40)), "zero_variance"),
    Case(
        "noise",
        series(values(lambda hu, k: np.random.default_rng(k).integers(-1024, 3000, hu.shape))),
        "rescale_invalid",
    ),
    Case("water only", series(values(lambda hu, k: np.random.default_rng(k).normal(0, 5, hu.shape))), "implausible_hu"),
    Case(
        "air only", series(values(lambda hu, k: np.random.default_rng(k).normal(-1000, 5, hu.shape))), "implausible_hu"
    ),
    Case("a window burnt in", series(values(lambda hu, k: np.clip((hu + 100) * 255 / 300, 0, 255))), "implausible_hu"),
    Case("inverted values", series(values(lambda hu, k: 40 - hu)), "rescale_invalid"),
    Case(
        "padding without its tag",
        series(lambda d, k: (unsigned_padded(d, k), every(PixelPaddingValue=None)(d, k))),
        "implausible_hu",
    ),
    Case("HU 200 too high", series(values(lambda hu, k: hu + 200)), "implausible_hu"),
    Case("HU 200 too low", series(values(lambda hu, k: hu - 200)), "implausible_hu"),
    Case("half the scale", series(values(lambda hu, k: hu / 2)), "implausible_hu"),
    Case("the brain cut out", series(values(lambda hu, k: np.where(hu < -500, 0, hu))), "implausible_hu"),
]

PIXELS = [
    Case("a slice without pixels", series(one(PixelData=None)), "corrupt_pixels"),
    Case("a slice of no bytes", series(one(PixelData=b"")), "corrupt_pixels"),
    Case(
        "a slice of half the bytes",
        series(lambda d, k: k == MIDDLE and setattr(d, "PixelData", d.PixelData[:2112])),
        "corrupt_pixels",
    ),
    Case(
        "a slice with four bytes too many",
        series(lambda d, k: k == MIDDLE and setattr(d, "PixelData", d.PixelData + bytes(4))),
        "corrupt_pixels",
    ),
    Case("more rows than there are", series(every(Rows=88)), "corrupt_pixels"),
    Case("fewer rows than there are", series(every(Rows=43)), "corrupt_pixels"),
    Case("32 bits that are 16", series(every(BitsAllocated=32)), "corrupt_pixels"),
    Case("two frames that are one", series(every(NumberOfFrames=2)), "corrupt_pixels"),
    Case("a file cut in its pixels", series(then=spoilt(cut(0.6))), "corrupt_pixels"),
    Case("a file cut two bytes before its end", series(then=spoilt(lambda c: c[:-2])), "corrupt_pixels"),
    Case(
        "a slice of noise",
        series(values(lambda hu, k: np.random.default_rng(0).integers(-1024, 3000, hu.shape), only=MIDDLE)),
        "corrupt_pixels",
    ),
    Case(
        "raw pixels that are said to be compressed",
        series(then=spoilt(syntax_from(b"1.2.1\x00", b"1.2.5\x00"))),
        "corrupt_pixels",
    ),
    Case(
        "an unknown transfer syntax", series(then=spoilt(syntax_from(b"1.2.1\x00", b"9.9.9\x00"))), "pixels_unsupported"
    ),
    Case(
        "a movie's transfer syntax",
        series(compress=JPEG2000Lossless, then=spoilt(syntax_from(b"1.2.4.90", b"1.2.4.99"))),
        "pixels_unsupported",
    ),
    *(
        Case(f"a {name} file cut", series(compress=uid, then=spoilt(cut(0.6))), "corrupt_pixels")
        for name, uid in SYNTAXES.items()
    ),
    *(
        Case(
            f"a {name} file with another size in its header",
            series(compress=uid, then=reheadered(Rows=88)),
            "mixed_geometry",
        )
        for name, uid in SYNTAXES.items()
    ),
    *(
        Case(
            f"a {name} series with another size in all headers",
            series(compress=uid, then=lambda files: [reheadered(Columns=40)([f] * (MIDDLE + 1)) for f in files]),
            "corrupt_pixels",
        )
        for name, uid in SYNTAXES.items()
    ),
    *(
        Case(f"{name} of noise", series(compress=uid, then=spoilt(noise_from(30, 400))), "corrupt_pixels")
        for name, uid in SYNTAXES.items()
    ),
    Case(
        "JPEG lossless cut",
        series(then=lambda files: (jpeg_lossless(files), spoilt(cut(0.6))(files))),
        "corrupt_pixels",
    ),
    Case("an enhanced file cut", changed_file(enhanced(), cut(0.6)), "corrupt_pixels"),
    Case("more frames than the file describes", enhanced(lambda d: setattr(d, "NumberOfFrames", 40)), "corrupt_pixels"),
    Case("a million frames", enhanced(lambda d: setattr(d, "NumberOfFrames", 1000000)), "corrupt_pixels"),
    Case(
        "a frame without a position",
        enhanced(lambda d: delattr(d.PerFrameFunctionalGroupsSequence[MIDDLE], "PlanePositionSequence")),
        "geometry_missing",
    ),
    Case(
        "a frame without a rescale",
        enhanced(lambda d: delattr(d.PerFrameFunctionalGroupsSequence[MIDDLE], "PixelValueTransformationSequence")),
        "rescale_missing",
    ),
    Case(
        "frames without groups", enhanced(lambda d: delattr(d, "PerFrameFunctionalGroupsSequence")), "rescale_missing"
    ),
    Case("a frame left out", enhanced(order=[k for k in range(SLICES) if k != MIDDLE]), "missing_slices"),
    Case(
        "an enhanced file without its shared groups",
        enhanced(lambda d: delattr(d, "SharedFunctionalGroupsSequence")),
        "geometry_missing",
    ),
]
