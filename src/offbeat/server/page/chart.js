/* A Plotly figure in the page's colours. A line named "cut" is drawn over it, so that it can be taken
   with the mouse, a finger or the keys while everything else follows; a span may be marked. */
const EVERY_MS = 60, LATER_MS = 40;

export default {
  template: `<div class="chart" role="group"><div class="plot" ref="plot"></div>
    <div v-show="shown" ref="line" class="cut-line" :class="{ up: upright }" role="slider" tabindex="0"
      aria-label="Cut" :aria-valuenow="cut" @pointerdown="take" @pointermove="pull" @pointerup="drop"
      @pointercancel="drop"><span>{{ text }}</span></div></div>`,
  props: { figure: Object, night: Object, config: Object, look: Array, fit: Boolean },
  emits: ["cut", "span", "view"],
  data() { return { cut: null, shown: false, upright: false, text: "" }; },
  async mounted() {
    const { Plotly } = await import("nicegui-plotly");
    this.plotly = Plotly;
    this.view = this.look;
    this.onGround = () => this.draw();
    this.onCut = (event) => { this.cut = event.detail; this.placeLine(); };
    window.addEventListener("offbeat-ground", this.onGround);
    window.addEventListener("offbeat-cut", this.onCut);
    this.sizes = new ResizeObserver(() => this.width !== this.$el.clientWidth && this.draw());
    await this.draw();
    this.listen();
    this.sizes.observe(this.$el);
    this.$el.dataset.drawn = "yes";
  },
  unmounted() {
    window.removeEventListener("offbeat-ground", this.onGround);
    window.removeEventListener("offbeat-cut", this.onCut);
    this.sizes?.disconnect();
    if (this.plotly) this.plotly.purge(this.$refs.plot);
  },
  watch: {
    figure() { this.boxes = null; this.draw(); },
  },
  methods: {
    inked(value) {
      let text = JSON.stringify(value);
      if (document.documentElement.dataset.ground === "dark") {
        for (const [day, night] of Object.entries(this.night)) text = text.replaceAll(day, night);
      }
      return JSON.parse(text);
    },
    /* The figure in the colours and margins of this screen, with what was moved since. */
    dressed() {
      const figure = this.inked(this.figure), layout = figure.layout;
      const ink = getComputedStyle(document.documentElement).getPropertyValue("--figure-ink").trim();
      layout.font = { ...layout.font, color: ink };
      if (this.$el.clientWidth < 560) {
        layout.margin = { ...layout.margin, l: 40, r: 6 };
        layout.font.size = 11;
      }
      const coarse = window.matchMedia("(pointer: coarse)").matches;
      if (coarse && layout.dragmode !== "select") layout.dragmode = false;
      if (this.mode) layout.dragmode = this.mode;
      if (this.view) layout.xaxis = { ...layout.xaxis, range: this.view.slice(), autorange: false };
      if (this.fit && this.view) this.fitted(figure);
      const shapes = layout.shapes || [];
      this.line = shapes.find((each) => each.name === "cut");
      layout.shapes = this.merged(shapes.filter((each) => each.name !== "cut"));
      return figure;
    },
    merged(shapes) {
      if (!this.boxes) return shapes;
      return [...this.inked(this.boxes), ...shapes.filter((each) => each.name !== "event")];
    },
    /* Each lane as high as what is seen of it. */
    fitted(figure) {
      const [from, to] = this.view, found = {};
      for (const trace of figure.data) {
        if (!Array.isArray(trace.x) || !Array.isArray(trace.y)) continue;
        const span = (found[trace.yaxis || "y"] ||= [Infinity, -Infinity]);
        trace.y.forEach((y, i) => {
          const x = trace.x[i];
          if (y === null || x === null || x < from || x > to) return;
          span[0] = Math.min(span[0], y);
          span[1] = Math.max(span[1], y);
        });
      }
      for (const [axis, [low, high]] of Object.entries(found)) {
        const key = axis.replace("y", "yaxis"), known = figure.layout[key];
        if (!(high >= low) || known?.visible === false || known?.type === "log") continue;
        const room = 0.06 * (high - low) || 0.5 * Math.abs(high) || 1;
        figure.layout[key] = { ...known, range: [low - room, high + room], autorange: false };
      }
    },
    async draw() {
      if (!this.plotly || !this.figure) return;
      const figure = this.dressed(), plot = this.$refs.plot;
      this.width = this.$el.clientWidth;
      plot.style.height = figure.layout.height + "px";
      const coarse = window.matchMedia("(pointer: coarse)").matches;
      await this.plotly.react(plot, figure.data, figure.layout, { ...this.config, displayModeBar: coarse ? false : "hover" });
      if (this.line) {
        const first = this.line.xref === "paper" ? this.line.y0 : this.line.x0;
        this.cut = window.offbeat.cut ?? this.cut ?? first;
      }
      this.placeLine();
    },
    axis() {
      const full = this.$refs.plot?._fullLayout;
      if (!full || !this.line) return null;
      this.upright = this.line.xref !== "paper";
      return this.upright ? full.xaxis : full[this.line.yref.replace("y", "yaxis")];
    },
    /* The line stands where the axis has the cut; a cut that is out of sight has none. */
    placeLine() {
      const axis = this.axis();
      if (!axis || this.cut === null) { this.shown = false; return; }
      const at = axis.d2p(this.cut), size = this.$refs.plot._fullLayout._size, style = this.$refs.line.style;
      this.shown = at >= -1 && at <= axis._length + 1;
      this.text = Number(this.cut).toPrecision(4).replace(/\.?0+$/, "");
      const across = `${axis._offset + at}px`;
      if (this.upright) Object.assign(style, { left: across, top: `${size.t}px`, height: `${size.h}px`, width: "" });
      else Object.assign(style, { top: across, left: `${size.l}px`, width: `${size.w}px`, height: "" });
    },
    valueAt(event) {
      const axis = this.axis(), box = this.$refs.plot.getBoundingClientRect();
      const place = this.upright ? event.clientX - box.left : event.clientY - box.top;
      return Number(axis.p2d(Math.max(0, Math.min(axis._length, place - axis._offset))));
    },
    take(event) {
      this.$refs.line.setPointerCapture(event.pointerId);
      this.taken = true;
      event.preventDefault();
    },
    pull(event) {
      if (!this.taken) return;
      const value = this.valueAt(event);
      if (!(value > 0)) return;
      window.offbeat.showCut(value);
      if (!this.waiting) this.waiting = setTimeout(() => { this.waiting = null; this.$emit("cut", { value: this.cut }); }, EVERY_MS);
    },
    drop(event) {
      if (!this.taken) return;
      this.pull(event);
      this.taken = false;
      clearTimeout(this.waiting);
      this.waiting = null;
      this.$emit("cut", { value: this.cut });
    },
    /* The events under another cut: drawn a moment later, so that figures are never late for it. */
    setBoxes(boxes) {
      this.boxes = boxes;
      this.later ??= setTimeout(() => {
        this.later = null;
        if (!this.$refs.plot?.layout) return;
        this.quietly({ shapes: this.merged(this.$refs.plot.layout.shapes || []) });
      }, LATER_MS);
    },
    setMode(mode) {
      this.mode = mode;
      this.quietly({ dragmode: mode, selections: [] });
    },
    zoom(range) {
      this.view = range;
      this.quietly({ "xaxis.range": (range || this.figure.layout.xaxis.range).slice() });
    },
    quietly(change) {
      this.following = true;
      this.plotly.relayout(this.$refs.plot, change).finally(() => { this.following = false; });
    },
    listen() {
      const plot = this.$refs.plot;
      plot.on("plotly_afterplot", () => this.placeLine());
      plot.on("plotly_relayout", (change) => {
        this.placeLine();
        if (this.following) return;
        const range = change["xaxis.range"] || (change["xaxis.range[0]"] !== undefined && [change["xaxis.range[0]"], change["xaxis.range[1]"]]);
        if (range) {
          this.view = range.slice();
          this.$emit("view", { start: range[0], end: range[1] });
        } else if (change["xaxis.autorange"]) this.whole();
      });
      plot.on("plotly_doubleclick", () => {
        if (!this.figure.layout.xaxis?.range) return true;
        this.whole();
        return false;
      });
      plot.on("plotly_selected", (event) => {
        const span = event?.range?.x || event?.selections?.[0] && [event.selections[0].x0, event.selections[0].x1];
        if (!span) return;
        const ends = typeof span[0] === "number" ? [Math.min(...span), Math.max(...span)] : [...span].sort();
        this.$emit("span", { start: ends[0], end: ends[1] });
      });
    },
    whole() {
      if (this.figure.layout.xaxis?.range) this.zoom(null);
      this.$emit("view", { start: null, end: null });
    },
  },
};
