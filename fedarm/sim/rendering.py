"""Pictures without a screen: EGL where it works, else OSMesa.

MuJoCo chooses its graphics library by an environment variable when it is imported, and PyOpenGL can load
one library a process. So the choice is made here, by trying the libraries themselves, before either is
asked.
"""

from __future__ import annotations

import atexit
import ctypes
import ctypes.util
import os
import weakref
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from fedarm.errors import MachineError

Backend = Literal["egl", "osmesa"]

# EGL_EXT_device_enumeration and EGL_EXT_platform_device.
_EGL_PLATFORM_DEVICE = 0x313F
_MAX_DEVICES = 16
_MAX_GEOMS = 256
# Side of what is drawn before a larger picture is asked for.
_FIRST_SIZE_PX = 256


def choose_backend() -> Backend:
    """Return the graphics library that works here; `MUJOCO_GL` says which to try first.

    Raises:
        MachineError: Neither works.
    """
    works = {"egl": _egl_works, "osmesa": _osmesa_works}
    wanted = os.environ.get("MUJOCO_GL", "")
    order: tuple[Backend, ...] = ("osmesa", "egl") if wanted == "osmesa" else ("egl", "osmesa")
    for backend in order:
        if works[backend]():
            return backend
    raise MachineError(
        "no graphics library works here, so nothing can be rendered",
        key="EGL, OSMesa",
        remedy="on Debian or Ubuntu: apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri "
        "libopengl0 (EGL), or libosmesa6 (OSMesa, slower)",
    )


@dataclass(frozen=True)
class _Picture:
    """What was drawn, the bottom row first.

    Attributes:
        pixels: `(row, column, 3)`.
        depth: `(row, column)`, from 1 (near) to 0 (far, or nothing).
    """

    pixels: NDArray[np.uint8]
    depth: NDArray[np.float32]


class Renderer:
    """Draws one model, at any size: meshes and textures go to the graphics library once.

    What is fixed to the world - the table that fills the picture, the arm's base - is drawn once a size
    and camera. Each picture draws what can move, and takes from the fixed one what lies before it, pixel
    by pixel: the same bytes as drawing all, in two thirds of the time on a processor. So models may
    neither be transparent nor mirror, nor may cameras move.

    Args:
        model: What is drawn.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._context = _gl_context()
        self._context.make_current()
        self._scene = mujoco.MjvScene(model, maxgeom=_MAX_GEOMS)
        self._options = mujoco.MjvOption()
        self._size = _FIRST_SIZE_PX
        offscreen = model.vis.global_
        offscreen.offwidth = offscreen.offheight = self._size
        self._graphics = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        # As the graphics library has it: turned round, small differences far away would be rounded off.
        self._graphics.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._fixed: dict[tuple[int, int], _Picture] = {}
        _open.add(self)

    def render(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        camera: mujoco.MjvCamera,
        *,
        size: int,
        supersampling: int = 1,
    ) -> NDArray[np.uint8]:
        """Return the picture `(size, size, 3)` that a camera sees.

        Args:
            model: What is drawn; the renderer's own.
            data: How it stands.
            camera: Who looks: a fixed one of the model.
            size: Side of the square picture, in pixels.
            supersampling: Pixels drawn a side for each pixel of the picture: their mean smooths edges.
        """
        drawn = size * supersampling
        self._context.make_current()
        # Other scenes' renderers draw in the same context, each into a buffer of its own.
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._graphics)
        if drawn > self._size:
            mujoco.mjr_resizeOffscreen(drawn, drawn, self._graphics)
            self._size = drawn
        place = (camera.fixedcamid, drawn)
        if place not in self._fixed:
            fixed = mujoco.mjtCatBit.mjCAT_STATIC
            self._fixed[place] = self._draw(model, data, camera, fixed, drawn)
        picture = self._draw(model, data, camera, mujoco.mjtCatBit.mjCAT_DYNAMIC, drawn)
        hidden = picture.depth <= self._fixed[place].depth
        cv2.copyTo(self._fixed[place].pixels, hidden.view(np.uint8), picture.pixels)
        return _shrink(picture.pixels[::-1], supersampling)

    def _draw(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        camera: mujoco.MjvCamera,
        category: mujoco.mjtCatBit,
        size: int,
    ) -> _Picture:
        """Draw what belongs to a category: what is fixed to the world, or what is not."""
        rect = mujoco.MjrRect(0, 0, size, size)
        picture = _Picture(np.empty((size, size, 3), np.uint8), np.empty((size, size), np.float32))
        mujoco.mjv_updateScene(model, data, self._options, None, camera, category, self._scene)
        mujoco.mjr_render(rect, self._scene, self._graphics)
        mujoco.mjr_readPixels(picture.pixels, picture.depth, rect, self._graphics)
        return picture

    def close(self) -> None:
        """Give the graphics memory back; the renderer cannot be used any more."""
        _open.discard(self)
        self._context.make_current()
        self._graphics.free()


def _shrink(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return the mean of blocks of `factor` times `factor` pixels."""
    if factor == 1:
        return np.ascontiguousarray(pixels)
    sums = np.zeros((len(pixels) // factor, pixels.shape[1] // factor, 3), np.uint16)
    for row in range(factor):
        for column in range(factor):
            sums += pixels[row::factor, column::factor]
    return (sums // factor**2).astype(np.uint8)


_open: weakref.WeakSet[Renderer] = weakref.WeakSet()


def _close_all() -> None:
    for renderer in list(_open):
        renderer.close()
    _gl_context().free()


@lru_cache(maxsize=1)
def _context_class() -> Any:
    backend = choose_backend()
    os.environ["PYOPENGL_PLATFORM"] = backend
    if backend == "egl":
        from mujoco.egl import GLContext
    else:
        from mujoco.osmesa import GLContext
    return GLContext


# One a process: what the graphics library compiles for a context takes longer than a scene's meshes.
@lru_cache(maxsize=1)
def _gl_context() -> Any:
    context = _context_class()(_FIRST_SIZE_PX, _FIRST_SIZE_PX)
    # MuJoCo shuts EGL down at exit. Handlers run last in, first out: one that is registered after the
    # context closes the renderers before that, without EGL's complaints.
    atexit.register(_close_all)
    return context


def _egl_works() -> bool:
    """Whether EGL finds a device without a screen and can start it."""
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        _load_opengl()
    except OSError:
        return False
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    egl.eglGetProcAddress.argtypes = [ctypes.c_char_p]
    query = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    get_display = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    if not query or not get_display:
        return False
    pointer, number = ctypes.c_void_p, ctypes.c_int
    devices, count = (pointer * _MAX_DEVICES)(), number()
    query_type = ctypes.CFUNCTYPE(number, number, pointer, pointer)
    if not query_type(query)(_MAX_DEVICES, devices, ctypes.byref(count)):
        return False
    display_type = ctypes.CFUNCTYPE(pointer, number, pointer, pointer)
    egl.eglInitialize.argtypes = [pointer, pointer, pointer]
    displays = (
        display_type(get_display)(_EGL_PLATFORM_DEVICE, device, None)
        for device in devices[: count.value]
    )
    return any(display and egl.eglInitialize(display, None, None) for display in displays)


def _load_opengl() -> None:
    """Load the library with OpenGL's functions, which EGL does not bring and PyOpenGL asks for later.

    Raises:
        OSError: There is none.
    """
    try:
        ctypes.CDLL("libOpenGL.so.0")
    except OSError:
        ctypes.CDLL("libGL.so.1")


def _osmesa_works() -> bool:
    name = ctypes.util.find_library("OSMesa")
    if name is None:
        return False
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
