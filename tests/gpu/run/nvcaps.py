"""What the GPU decodes and encodes."""

import json

from process import run
from report import expect


def section(place):
    # RV-NVC-1105, RV-NVC-1103
    def nvcaps():
        # Without the stand-in on the path: this is about the machine's own NVENC.
        outcome = run([place.bundle.program("nvcaps"), "--json"], 30)
        expect(outcome.text().strip(), outcome.why())
        found = json.loads(outcome.text())
        place.report.store(nvcaps=found)
        expect(outcome.status == 0, outcome.why())
        encoder = found["encoder"]
        return (f"{len(found['decoder'])} decoding modes; "
                + (f"NVENC: {len(encoder['codecs'])} codecs" if encoder["nvenc"] else f"no NVENC: {encoder['answer']}"))

    place.report.check("decoder and encoder say what they take", nvcaps)
