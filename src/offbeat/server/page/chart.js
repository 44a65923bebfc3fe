/* A Plotly figure in the page's colours. A line named "cut" may be dragged; a span may be marked. */
export default {
  template: '<div class="chart" tabindex="0" role="img"></div>',
  props: { figure: Object, night: Object, config: Object, look: Array, fit: Boolean },
  emits: ["cut", "span", "view"],
  async mounted() {
    const { Plotly } = await import("nicegui-plotly");
    this.plotly = Plotly;
    this.view = this.look;
    this.onGround = () => this.draw();
    this.onCut = (event) => this.moveCut(event.detail);
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
    if (this.plotly) this.plotly.purge(this.$el);
  },
  watch: {
    figure() { this.boxes = null; this.cut = undefined; this.draw(); },
  },
  methods: {
    /* The figure in the colours and margins of this screen, with what was moved since. */
    dressed() {
      let text = JSON.stringify(this.figure);
      if (document.documentElement.dataset.ground === "dark") {
        for (const [day, night] of Object.entries(this.night)) text = text.replaceAll(day, night);
      }
      const figure = JSON.parse(text);
      const style = getComputedStyle(document.documentElement);
      figure.layout.font = { ...figure.layout.font, color: style.getPropertyValue("--figure-ink").trim() };
      if (this.$el.clientWidth < 560) {
        figure.layout.margin = { ...figure.layout.margin, l: 40, r: 6 };
        figure.layout.font.size = 11;
      }
      if (window.matchMedia("(pointer: coarse)").matches && figure.layout.dragmode !== "select") figure.layout.dragmode = false;
      if (this.mode) figure.layout.dragmode = this.mode;
      if (this.view) figure.layout.xaxis = { ...figure.layout.xaxis, range: this.view.slice(), autorange: false };
      if (this.fit && this.view) this.fitted(figure);
      const shapes = figure.layout.shapes || [];
      if (this.boxes) figure.layout.shapes = this.merged(shapes);
      if (this.cut !== undefined) for (const each of figure.layout.shapes || []) if (each.name === "cut") this.place(each, this.cut);
      return figure;
    },
    /* Each lane as high as what is seen of it. */
    fitted(figure) {
      const [from, to] = this.view, found = {};
      for (const trace of figure.data) {
        if (!Array.isArray(trace.x)) continue;
        const y = Array.isArray(trace.y) ? trace.y : null;
        if (!y) continue;
        const span = (found[trace.yaxis || "y"] ||= [Infinity, -Infinity]);
        for (let i = 0; i < y.length; i += 1) {
          if (y[i] === null || trace.x[i] === null || trace.x[i] < from || trace.x[i] > to) continue;
          span[0] = Math.min(span[0], y[i]);
          span[1] = Math.max(span[1], y[i]);
        }
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
      if (this.cut === undefined) this.cut = window.offbeat.cut;
      const figure = this.dressed();
      this.width = this.$el.clientWidth;
      this.$el.style.height = figure.layout.height + "px";
      const coarse = window.matchMedia("(pointer: coarse)").matches;
      await this.plotly.react(this.$el, figure.data, figure.layout, { ...this.config, displayModeBar: coarse ? false : "hover" });
    },
    merged(shapes) {
      const night = document.documentElement.dataset.ground === "dark";
      let text = JSON.stringify(this.boxes);
      if (night) for (const [day, dim] of Object.entries(this.night)) text = text.replaceAll(day, dim);
      const lines = shapes.filter((each) => each.name === "cut");
      return [...JSON.parse(text), ...shapes.filter((each) => each.name !== "event" && each.name !== "cut"), ...lines];
    },
    place(shape, value) {
      if (shape.xref === "paper") { shape.y0 = value; shape.y1 = value; shape.x0 = 0; shape.x1 = 1; }
      else { shape.x0 = value; shape.x1 = value; shape.y0 = 0; shape.y1 = 1; }
    },
    moveCut(value) {
      const shapes = this.$el.layout?.shapes;
      if (!shapes) return;
      const at = shapes.findIndex((each) => each.name === "cut");
      if (at < 0) return;
      this.cut = value;
      const moved = { ...shapes[at] };
      this.place(moved, value);
      this.following = true;
      this.plotly.relayout(this.$el, { [`shapes[${at}]`]: moved }).finally(() => { this.following = false; });
    },
    /* The events under another cut. */
    setBoxes(boxes) {
      this.boxes = boxes;
      if (!this.$el.layout) return;
      this.following = true;
      this.plotly.relayout(this.$el, { shapes: this.merged(this.$el.layout.shapes || []) }).finally(() => { this.following = false; });
    },
    setMode(mode) {
      this.mode = mode;
      this.plotly.relayout(this.$el, { dragmode: mode, selections: [] });
    },
    zoom(range) {
      this.view = range;
      this.following = true;
      const change = range ? { "xaxis.range": range.slice() } : { "xaxis.range": this.figure.layout.xaxis.range.slice() };
      this.plotly.relayout(this.$el, change).finally(() => { this.following = false; });
    },
    listen() {
      this.$el.on("plotly_relayout", (change) => {
        if (this.following) return;
        this.movedCut(change);
        if (change["xaxis.range[0]"] !== undefined) {
          this.view = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
          this.$emit("view", { start: this.view[0], end: this.view[1] });
        } else if (change["xaxis.range"] !== undefined) {
          this.view = change["xaxis.range"].slice();
          this.$emit("view", { start: this.view[0], end: this.view[1] });
        } else if (change["xaxis.autorange"]) {
          this.zoom(null);
          this.$emit("view", { start: null, end: null });
        }
      });
      this.$el.on("plotly_doubleclick", () => {
        if (!this.figure.layout.xaxis?.range) return true;
        this.zoom(null);
        this.$emit("view", { start: null, end: null });
        return false;
      });
      this.$el.on("plotly_selected", (event) => {
        const span = event?.range?.x || event?.selections?.[0] && [event.selections[0].x0, event.selections[0].x1];
        if (!span) return;
        const ends = typeof span[0] === "number" ? [Math.min(...span), Math.max(...span)] : [...span].sort();
        this.$emit("span", { start: ends[0], end: ends[1] });
      });
    },
    movedCut(change) {
      for (const key of Object.keys(change)) {
        const found = key.match(/^shapes\[(\d+)\]\.([xy])([01])$/);
        if (!found) continue;
        const shape = this.$el.layout.shapes[Number(found[1])];
        if (shape?.name !== "cut") continue;
        const across = shape.xref === "paper" ? "y" : "x";
        if (found[2] !== across) continue;
        const was = this.cut ?? this.firstCut(), ends = [Number(shape[across + "0"]), Number(shape[across + "1"])];
        const value = Math.abs(ends[0] - was) < Math.abs(ends[1] - was) ? ends[1] : ends[0];
        if (!(value > 0)) { this.moveCut(was); return; }
        window.offbeat.showCut(value);
        this.$emit("cut", { value });
        return;
      }
    },
    firstCut() {
      const line = this.figure.layout.shapes.find((each) => each.name === "cut");
      return line.xref === "paper" ? line.y0 : line.x0;
    },
  },
};
