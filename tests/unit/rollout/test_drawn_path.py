"""The drawn path goes where the simulator itself renders a marker on the tool."""

import mujoco
import numpy as np
import pytest

from fedarm.rollout.film import Film, Title
from fedarm.rollout.overlay import POINTS_A_STEP, densify
from fedarm.sim.joints import to_radians
from fedarm.sim.rendering import Renderer
from fedarm.sim.scene import TOOL_SITE, _build_spec, compile_scene
from fedarm.sim.simulation import Simulation
from fedarm.sim.tasks import CAMERA

MARKER_RADIUS_M = 0.006
WITHIN_PX = 1.5
TITLE = Title(run="fedprox", round=15, seed=0, dataset="pickplace")


class Marked:
    """A scene in which nothing can be seen but a marker on the arm's tool."""

    def __init__(self, scene, size):
        spec = _build_spec(scene.task, scene.camera)
        site = next(site for site in spec.sites if site.name == TOOL_SITE)
        site.parent.add_geom(
            name="marker",
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[MARKER_RADIUS_M, 0, 0],
            pos=site.pos,
            contype=0,
            conaffinity=0,
        )
        self.model = spec.compile()
        self.model.mat_rgba[:, 3] = 0
        self.model.geom_rgba[:, 3] = 0
        marker = self.model.geom("marker")
        marker.rgba[:] = 1
        marker.matid[:] = -1
        self.joints = scene.joint_addresses
        self.data = mujoco.MjData(self.model)
        self.camera = mujoco.MjvCamera()
        self.camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self.camera.fixedcamid = self.model.camera(CAMERA).id
        self.size, self.renderer = size, Renderer(self.model)
        self.background = self.render(np.full(6, np.nan))

    def render(self, joints_deg):
        if np.isnan(joints_deg).any():
            self.model.geom("marker").rgba[3] = 0
        else:
            self.model.geom("marker").rgba[3] = 1
            self.data.qpos[self.joints] = to_radians(joints_deg)
        mujoco.mj_forward(self.model, self.data)
        seen = self.renderer.render(self.model, self.data, self.camera, size=self.size)
        return seen.astype(int)

    def centroid_px(self, joints_deg):
        """Return where the marker is seen: column and row."""
        seen = np.abs(self.render(joints_deg) - self.background).max(axis=-1) > 20
        rows, columns = np.nonzero(seen)
        assert len(rows) >= 8, "the marker is in the picture"
        return columns.mean(), rows.mean()


@pytest.mark.parametrize(
    ("task", "variant", "size"),
    [("pickplace", "standard", 224), ("so101_pickplace", "moved_camera", 240)],
)
def test_path_is_drawn_where_markers_on_the_tool_are_rendered(task, variant, size):
    scene = compile_scene(task, variant)
    marked = Marked(scene, size)
    simulation = Simulation(scene)
    simulation.reset(3)
    start = simulation.state()
    sweep = np.array([50, 25, -20, 12, 40, 30], np.float32)
    chunk = start + np.linspace(-0.6, 1, 16, dtype=np.float32)[:, None] * sweep
    film = Film(None, scene, title=TITLE, size=size, n_action_steps=8)
    film.on_look(simulation, chunk)
    drawn = np.array(film._plan.path.points_px)
    poses = densify(np.concatenate([start[None], chunk]))
    assert len(drawn) == len(poses) == 16 * POINTS_A_STEP + 1
    seen = np.array([marked.centroid_px(pose) for pose in poses])
    marked.renderer.close()
    apart = np.linalg.norm(drawn - seen, axis=1)
    assert apart.max() < WITHIN_PX
    assert np.ptp(drawn, axis=0).min() > 10, "the path goes through a good part of the picture"
