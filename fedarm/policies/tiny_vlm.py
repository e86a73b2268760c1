"""A vision-language model small enough for a processor core, in a folder as the hub's are.

SmolVLA builds its vision-language model from a name, which may be a folder: a configuration, a tokenizer
and an image processor, no weights. This one is the same on every machine and needs no network.
"""

from __future__ import annotations

import importlib
import string
from pathlib import Path
from typing import Any

from fedarm.lerobot_lean import lean_imports
from fedarm.paths import atomic_dir, cache_folder

TINY = "tiny"
TINY_FOLDER = "tiny_smolvlm_v1"

_IMAGE_SIZE = 64
_PATCH_SIZE = 16
_SCALE_FACTOR = 2
_WIDTH = 64
_HEADS = 4
_LAYERS = 4

_PAD, _UNKNOWN, _END = "<pad>", "<unk>", "<end>"
_IMAGE_TOKENS = {
    "image_token": "<image>",
    "fake_image_token": "<fake_token_around_image>",
    "global_image_token": "<global-img>",
    "end_of_utterance_token": "<end_of_utterance>",
}
# Words that instructions often use are a token each; others are spelt, letter by letter.
_WORDS = [
    "a",
    "all",
    "and",
    "arm",
    "at",
    "ball",
    "basket",
    "bin",
    "black",
    "block",
    "blue",
    "bowl",
    "box",
    "by",
    "cam",
    "close",
    "cube",
    "cup",
    "disc",
    "down",
    "drawer",
    "from",
    "front",
    "gently",
    "grasp",
    "green",
    "gripper",
    "in",
    "into",
    "it",
    "lamp",
    "left",
    "lift",
    "lower",
    "move",
    "of",
    "off",
    "on",
    "onto",
    "open",
    "orange",
    "other",
    "pick",
    "place",
    "plate",
    "pull",
    "purple",
    "push",
    "put",
    "red",
    "release",
    "right",
    "robot",
    "slide",
    "sort",
    "stack",
    "table",
    "take",
    "that",
    "the",
    "then",
    "three",
    "to",
    "top",
    "towards",
    "tower",
    "two",
    "under",
    "up",
    "white",
    "with",
    "yellow",
]


def find_vlm(name: str) -> str:
    """Return what LeRobot is to load a vision-language model from.

    Args:
        name: A hub repository, a folder, or `tiny`; also the path of a tiny one on another machine.
    """
    if name != TINY and Path(name).name != TINY_FOLDER:
        return name
    folder = cache_folder().absolute() / TINY_FOLDER
    if not folder.exists():
        write_tiny_vlm(folder)
    return str(folder)


def write_tiny_vlm(folder: Path) -> None:
    """Write configuration, tokenizer and image processor of the tiny model.

    Raises:
        ResultsError: The folder cannot be written.
    """
    lean_imports(keep=("transformers",))
    # Its names are made when they are asked for, which a type checker does not see.
    transformers: Any = importlib.import_module("transformers")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=_tokenizer(),
        pad_token=_PAD,
        unk_token=_UNKNOWN,
        eos_token=_END,
        extra_special_tokens=_IMAGE_TOKENS,
    )
    size = {"longest_edge": _IMAGE_SIZE}
    processor = transformers.SmolVLMProcessor(
        image_processor=transformers.SmolVLMImageProcessor(size=size, max_image_size=size),
        tokenizer=tokenizer,
        video_processor=transformers.SmolVLMVideoProcessor(size=size, max_image_size=size),
        image_seq_len=(_IMAGE_SIZE // _PATCH_SIZE // _SCALE_FACTOR) ** 2,
        chat_template="",
    )
    with atomic_dir(folder) as temporary:
        transformers.SmolVLMConfig(**_sizes(tokenizer)).save_pretrained(temporary)
        processor.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)


def _tokenizer() -> Any:
    """Return a tokenizer of words and, for those that it does not know, of their letters."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import BertPreTokenizer

    characters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = [
        _PAD,
        _UNKNOWN,
        _END,
        *_IMAGE_TOKENS.values(),
        *dict.fromkeys([*_WORDS, *characters]),
        *(f"##{character}" for character in characters),
    ]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=_UNKNOWN))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def _sizes(tokenizer: Any) -> dict[str, Any]:
    return {
        "text_config": {
            "model_type": "llama",
            "vocab_size": len(tokenizer),
            "hidden_size": _WIDTH,
            "intermediate_size": 2 * _WIDTH,
            "num_hidden_layers": _LAYERS,
            "num_attention_heads": _HEADS,
            "num_key_value_heads": _HEADS // 2,
            "head_dim": _WIDTH // _HEADS,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.eos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        "vision_config": {
            "hidden_size": _WIDTH,
            "intermediate_size": 2 * _WIDTH,
            "num_hidden_layers": 2,
            "num_attention_heads": _HEADS,
            "image_size": _IMAGE_SIZE,
            "patch_size": _PATCH_SIZE,
        },
        "image_token_id": tokenizer.convert_tokens_to_ids(_IMAGE_TOKENS["image_token"]),
        "scale_factor": _SCALE_FACTOR,
        "pad_token_id": tokenizer.pad_token_id,
    }
