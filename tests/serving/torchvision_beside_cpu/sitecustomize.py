"""Let torchvision be imported where pip took its CUDA build beside torch's CPU build; on PYTHONPATH of the server.

That build cannot load its operators, and its import fails where it describes two of them. They are declared here,
before it is imported, and never called: pictures are resized by torch's own. The CPU build brings its operators itself.
"""

from importlib.metadata import version

if version("torch").endswith("+cpu") and not version("torchvision").endswith("+cpu"):
    from torch.library import Library

    OPERATORS = Library("torchvision", "DEF")  # declarations live as long as this object
    OPERATORS.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    OPERATORS.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
