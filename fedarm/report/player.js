"use strict";
// Films of several arms from one initial condition, kept in step: the longest leads, the others follow.

const TENTH_S = 0.1;
// Less is not seen; more often would stutter, because each correction is a jump.
const TOLERANCE_S = 0.12;

function startPlayer(root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const tasks = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const [taskChoice, startChoice, speedChoice] = ["task", "start", "speed"].map(part);
  const [stage, playButton, scrubber, clock] = ["films", "play", "scrubber", "clock"].map(part);
  let films = [];
  let leader = null;
  let playing = false;

  function address(clip) {
    const text = root.querySelector(`script[data-clip="${clip}"]`).textContent;
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  }

  function outcome(film) {
    if (film.success === null) return "";
    const step = film.steps === null ? "" : ` step ${film.steps},`;
    return `${film.success ? "✓ success" : "✗ failure"},${step} ${film.duration_s.toFixed(1)} s`;
  }

  function show(film) {
    const figure = document.createElement("figure");
    figure.className = "clip";
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: address(film.clip) });
    video.setAttribute("aria-label", `${film.name} on ${taskChoice.value}: ${outcome(film)}`);
    video.onclick = () => setPlaying(!playing);
    const caption = document.createElement("figcaption");
    const name = document.createElement("b");
    name.textContent = film.name;
    const result = document.createElement("span");
    result.className = film.success ? "yes" : "no";
    result.textContent = outcome(film);
    caption.append(name, result);
    figure.append(video, caption);
    stage.append(figure);
    return { ...film, video };
  }

  function load() {
    setPlaying(false);
    for (const film of films) URL.revokeObjectURL(film.video.src);
    stage.replaceChildren();
    films = tasks[taskChoice.selectedIndex].starts[startChoice.selectedIndex].films.map(show);
    leader = films.reduce((one, other) => (other.seconds > one.seconds ? other : one));
    scrubber.max = leader.seconds;
    setSpeed();
    tell(0);
  }

  function listStarts() {
    const starts = tasks[taskChoice.selectedIndex].starts;
    startChoice.replaceChildren(...starts.map((start) => new Option(start.title)));
    load();
  }

  function tell(time) {
    const rated = films.find((film) => film.steps && film.duration_s);
    const last = Math.max(...films.map((film) => film.steps ?? 0));
    const reached = rated && Math.floor((time * rated.steps) / rated.duration_s + 1e-6) + 1;
    const step = rated ? `, step ${Math.min(reached, last)}` : "";
    scrubber.value = time;
    clock.textContent = `${time.toFixed(1)} of ${leader.seconds.toFixed(1)} s${step}`;
    scrubber.setAttribute("aria-valuetext", clock.textContent);
  }

  function seek(time) {
    const moment = Math.min(Math.max(time, 0), leader.seconds);
    for (const film of films) {
      film.video.currentTime = Math.min(moment, film.seconds);
      if (playing && moment < film.seconds) film.video.play();
    }
    tell(moment);
  }

  function setPlaying(on) {
    playing = on;
    playButton.textContent = on ? "Pause" : "Play";
    if (!films.length) return;
    for (const film of films) film.video.pause();
    // Those that were a little behind or ahead come to the same moment.
    if (!on) return seek(leader.video.currentTime);
    seek(leader.video.ended || leader.video.currentTime > leader.seconds - 0.05 ? 0 : leader.video.currentTime);
    requestAnimationFrame(follow);
  }

  function follow() {
    if (!playing) return;
    const now = leader.video.currentTime;
    for (const film of films) {
      const due = Math.min(now, film.seconds);
      if (film !== leader && Math.abs(film.video.currentTime - due) > TOLERANCE_S * leader.video.playbackRate)
        film.video.currentTime = due;
    }
    tell(now);
    if (leader.video.ended) setPlaying(false);
    else requestAnimationFrame(follow);
  }

  function setSpeed() {
    for (const film of films) film.video.playbackRate = Number(speedChoice.value);
  }

  function jump(time) {
    setPlaying(false);
    seek(time);
  }

  root.onkeydown = (event) => {
    const elsewhere = event.target.matches("select") || event.altKey || event.ctrlKey || event.metaKey;
    const way = event.shiftKey ? 1 : TENTH_S;
    const now = leader.video.currentTime;
    const deeds = {
      " ": () => setPlaying(!playing),
      ArrowLeft: () => jump(now - way),
      ArrowRight: () => jump(now + way),
      Home: () => jump(0),
      End: () => jump(leader.seconds),
    };
    if (elsewhere || !(event.key in deeds)) return;
    event.preventDefault();
    deeds[event.key]();
  };
  // A button answers to the space bar when it is let go; that would be the second time.
  root.onkeyup = (event) => event.key === " " && event.target === playButton && event.preventDefault();

  playButton.onclick = () => setPlaying(!playing);
  scrubber.oninput = () => jump(Number(scrubber.value));
  taskChoice.onchange = listStarts;
  startChoice.onchange = load;
  speedChoice.onchange = setSpeed;
  root.hidden = false;
  document.getElementById(`without_${root.id}`).hidden = true;
  listStarts();
}

document.querySelectorAll(".player").forEach(startPlayer);
