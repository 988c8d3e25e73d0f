/* Charts of report pages: bars and lines drawn from the data beside them (parts.Chart.drawing).
   Colours are the page's tokens, so a chart follows the theme; for print it is drawn light and as wide as the paper.
   echarts is a classic script that stands before this one. */

import { root } from "./dom.js";

const NARROW = 560;
const PAPER = { width: 680, height: 250 };
const MANY = 12;
const drawn = [];

function token(name) {
  return getComputedStyle(root).getPropertyValue(name).trim();
}

function spoken(value, places = 0) {
  const digits = { minimumFractionDigits: places, maximumFractionDigits: Math.max(places, 1) };
  return value === null || value === undefined ? "—" : value.toLocaleString("zh-CN", digits);
}

function axis(more) {
  return Object.assign(
    {
      axisLine: { lineStyle: { color: token("--field-line") } },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: token("--line") } },
      nameTextStyle: { color: token("--ink-3"), fontSize: 12 },
    },
    more,
    { axisLabel: Object.assign({ color: token("--ink-2"), fontSize: 12, fontFamily: token("--sans") }, more.axisLabel) },
  );
}

function categories(data, width) {
  if (data.horizontal) {
    const label = { fontSize: 13, width: width < NARROW ? 84 : 150, overflow: "truncate" };
    return axis({ type: "category", inverse: true, data: data.categories, splitLine: { show: false }, axisLabel: label });
  }
  const place = width / Math.max(data.categories.length, 1);
  const longest = Math.max(...data.categories.map((name) => name.length), 1);
  const crowded = longest * 13 > place * 2.6;
  const label = crowded
    ? { interval: 0, rotate: 45, width: 76, overflow: "truncate" }
    : { interval: 0, width: Math.floor(place) - 6, overflow: "break", lineHeight: 16 };
  if (data.categories.length > 24) label.interval = "auto";
  return axis({ type: "category", data: data.categories, splitLine: { show: false }, axisLabel: label });
}

function values(data) {
  const plain = axis({ type: "value", name: data.unit, minInterval: data.unit === "万元" ? 0 : 1 });
  if (!data.horizontal) return plain;
  return Object.assign(plain, { name: "", axisLine: { show: false }, splitLine: { show: false }, axisLabel: { show: false } });
}

function percents() {
  return axis({ type: "value", name: "%", min: 0, max: 100, splitLine: { show: false } });
}

function label(series, data, width) {
  const places = data.unit === "万元" && series.values.some((value) => value % 1) ? 1 : 0; // 155.5 and 142.0
  const fits = data.horizontal || (width >= NARROW && data.categories.length <= MANY);
  return {
    show: !series.line && fits && !data.stacked,
    position: data.horizontal ? "right" : "top",
    color: token("--ink-2"),
    textBorderColor: token("--surface"), // stays readable where a line runs through it
    textBorderWidth: 3,
    fontSize: 12,
    formatter: (point) => spoken(point.value, places) + (data.horizontal && data.unit ? " " + data.unit : ""),
  };
}

function mark(data) {
  if (data.mark === null) return undefined;
  const ink = token("--ink-3");
  return {
    silent: true,
    symbol: "none",
    lineStyle: { type: "dashed", color: ink },
    label: { show: false }, // the axis beside it says the number
    data: [{ yAxis: data.mark }],
  };
}

function row(series, number, data, width) {
  const grey = token("--c6");
  const right = series.percent && !data.horizontal && data.series.some((one) => !one.percent) ? 1 : 0;
  const line = {
    name: series.name,
    type: "line",
    yAxisIndex: right,
    symbol: ["circle", "rect", "triangle", "diamond"][number % 4],
    symbolSize: data.joined === false ? 10 : 7,
    symbolOffset: data.joined === false ? [28, 0] : 0, // beside the bar, whose number stands above it
    lineStyle: { width: data.joined === false ? 0 : 2, type: number > 1 ? "dashed" : "solid" },
    data: series.values,
    markLine: series.percent ? mark(data) : undefined,
  };
  const bar = {
    name: series.name,
    type: "bar",
    yAxisIndex: right,
    barMaxWidth: data.horizontal ? 26 : 34,
    stack: data.stacked ? "all" : undefined,
    label: label(series, data, width),
    data: series.values.map((value, place) =>
      data.greyFrom !== null && place >= data.greyFrom ? { value: value, itemStyle: { color: grey } } : value,
    ),
  };
  return series.line ? line : bar;
}

function option(data, width) {
  const both = data.series.some((one) => one.percent) && data.series.some((one) => !one.percent);
  const onlyPercent = data.series.every((one) => one.percent);
  const amounts = onlyPercent && !data.horizontal ? percents() : values(data);
  const legend = data.series.length > 1;
  return {
    animation: false,
    color: ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"].map(token),
    textStyle: { fontFamily: token("--sans"), color: token("--ink-2") },
    grid: { left: 8, right: data.horizontal ? 72 : 8, top: data.horizontal ? 8 : legend ? 62 : 36, bottom: 8, containLabel: true },
    legend: { show: legend, top: 4, left: "center", itemWidth: 14, itemHeight: 8, textStyle: { color: token("--ink-2"), fontSize: 12 } },
    tooltip: {
      renderMode: "richText", // the default writes inline styles, which the content policy blocks
      trigger: "axis",
      axisPointer: { type: data.series.every((one) => one.line) ? "line" : "shadow" },
      valueFormatter: spoken,
      backgroundColor: token("--surface"),
      borderColor: token("--line"),
      textStyle: { color: token("--ink"), fontSize: 13 },
    },
    xAxis: data.horizontal ? amounts : categories(data, width),
    yAxis: data.horizontal ? categories(data, width) : both ? [amounts, percents()] : amounts,
    series: data.series.map((series, number) => row(series, number, data, width)),
  };
}

function redraw(size) {
  drawn.forEach(function (one) {
    one.chart.resize(size);
    one.chart.setOption(option(one.data, size ? size.width : one.box.clientWidth), true);
  });
}

function draw(box) {
  const data = JSON.parse(document.getElementById(box.dataset.chart).textContent);
  if (data.horizontal) box.classList.toggle("flat", data.categories.length < 6);
  const chart = window.echarts.init(box, null, { renderer: "svg" });
  drawn.push({ box: box, data: data, chart: chart });
  chart.setOption(option(data, box.clientWidth));
}

let theme = "";

function beforePrint() {
  theme = root.dataset.theme;
  root.dataset.theme = "light";
  redraw(PAPER);
}

function afterPrint() {
  root.dataset.theme = theme;
  redraw();
}

document.querySelectorAll("[data-chart]").forEach(draw);
window.addEventListener("resize", () => redraw());
window.addEventListener("beforeprint", beforePrint);
window.addEventListener("afterprint", afterPrint);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());
