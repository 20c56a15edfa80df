"""Videos as Video-MME names them, of noise that says which frame it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

N_FRAMES, FPS = 61, 10


def write(folder: Path) -> Path:
    """Write three videos with a key frame every 25 frames, and frames that lean on later ones; needs PyAV."""
    import av

    folder.mkdir(parents=True, exist_ok=True)
    for n in range(3):
        with av.open(str(folder / f"v-{n}.mp4"), "w") as container:
            stream = container.add_stream("mpeg4", rate=FPS, options={"g": "25", "bf": "2", "sc_threshold": "1000000"})
            stream.width = stream.height = 64
            for number in range(N_FRAMES):
                noise = np.random.default_rng(number).integers(0, 256, (64, 64, 3), np.uint8)
                frame = av.VideoFrame.from_ndarray(noise, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return folder
