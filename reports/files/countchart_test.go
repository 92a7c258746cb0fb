package files

import (
	"fmt"
	"image"
	"image/color"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// charted is now of the charts, in Moscow.
func charted(tb testing.TB) time.Time {
	return time.Date(2026, 11, 21, 14, 5, 0, 0, moscow(tb))
}

// countSamples are charts of every kind, by name.
func countSamples(tb testing.TB) map[string]reports.Chart {
	now := charted(tb)
	r := rand.New(rand.NewPCG(7, 7))
	curve := func(name string, a reports.Axis, every time.Duration, gaps bool, value func(x float64) float64) *reports.Curve {
		c := reports.NewCurve(name, a)
		for at := a.From(); at.Before(now); at = at.Add(every) {
			x := float64(at.Sub(a.From())) / float64(a.To().Sub(a.From()))
			if gaps && (x > 0.3 && x < 0.38 || x > 0.7 && x < 0.72) {
				continue
			}
			c.Add(a, reports.Sample{At: at, Value: max(0, int(value(x)+r.Float64()*3))})
		}
		return c
	}
	panel := func(kind string, length time.Duration, threshold int, curves ...func(reports.Axis) *reports.Curve) reports.Chart {
		c := reports.Chart{Kind: kind, Length: length, Axis: reports.AxisOf(now, length), Threshold: threshold}
		for _, f := range curves {
			x := f(c.Axis)
			c.Curves, c.Servers = append(c.Curves, x), append(c.Servers, x.Name)
		}
		return c
	}
	wave := func(name string, every time.Duration, gaps bool, from, to, swing float64) func(reports.Axis) *reports.Curve {
		return func(a reports.Axis) *reports.Curve {
			return curve(name, a, every, gaps, func(x float64) float64 { return from + (to-from)*x + swing*math.Sin(x*19)*math.Sin(x*301) })
		}
	}
	all := map[string]reports.Chart{
		"failed":     panel("failed", 90*day, 50, wave("isp1", time.Hour, true, 30, 61, 14)),
		"noredirect": panel("noredirect", 90*day, 0, wave("isp1", time.Hour, false, 3412, 3398, 9)),
		"processing": panel("processing", 24*time.Hour, 100, wave("isp1", 10*time.Minute, true, 20, 130, 30)),
		"servers":    panel("overdue", 30*day, 0, wave("isp1", time.Hour, false, 41, 38, 6), wave("isp2.example.ru", time.Hour, true, 3, 4, 2), wave("isp3", time.Hour, false, 38, 37, 3), wave("big-hosting-panel-17.example.com", time.Hour, false, 80, 60, 4), wave("isp5", time.Hour, false, 0, 0, 0)),
		"years":      panel("failing", 730*day, 0, wave("isp1", 24*time.Hour, false, 4, 21, 6)),
	}
	old := all["failed"]
	old.Curves = []*reports.Curve{reports.NewCurve("isp1", old.Axis)}
	for d := range 40 {
		old.Curves[0].Add(old.Axis, reports.Sample{At: old.Axis.From().Add(time.Duration(d)*day + time.Hour), Value: 3 + d%5})
	}
	all["ended"] = old
	attempts := panel(reports.ChartAttempts, 30*day, 0)
	attempts.Servers = []string{"isp1"}
	attempts.Curves = []*reports.Curve{reports.NewCurve("issued", attempts.Axis), reports.NewCurve("failed", attempts.Axis)}
	for i := 4; i < 30; i++ {
		at := attempts.Axis.Moments[i]
		attempts.Curves[0].Add(attempts.Axis, reports.Sample{At: at, Value: 140 + r.IntN(60)})
		attempts.Curves[1].Add(attempts.Axis, reports.Sample{At: at, Value: 5 + r.IntN(20)})
	}
	all["attempts"] = attempts
	var passed []reports.Passing
	var tried []reports.Tried
	codes := []checks.Code{checks.CAUnauthorized, checks.CAUnauthorized, checks.CAUnauthorized, checks.CAUnauthorized, checks.CADNS, checks.CADNS, checks.CAConnection, checks.CAInternal, checks.CARateLimited}
	for i := range 120 {
		at := time.Date(2026, 11, 1+i%20, (3+i%7*i%3)%24, 10, 0, 0, moscow(tb))
		passed = append(passed, reports.Passing{Server: []string{"isp1", "isp1", "isp2"}[i%3], At: at, Code: codes[i%len(codes)]})
	}
	for h := range 24 {
		tried = append(tried, reports.Tried{Server: []string{"isp1", "isp2"}[h%2], At: time.Date(2026, 11, 20, h, 0, 0, 0, moscow(tb)), Issued: 100 + 300*(h%5), Failed: 20})
	}
	for _, by := range []string{reports.ByHour, reports.ByServer, reports.ByCause} {
		f := reports.CountFlaky(by, passed, tried)
		f.Since = now.Add(-80 * day)
		all["flaky."+by] = reports.Chart{Kind: reports.ChartFlaky, Servers: []string{"isp1", "isp2"}, Length: 90 * day, Axis: reports.AxisOf(now, 90*day), Flaky: f}
	}
	return all
}

// A picture is what both messengers show: Telegram takes a photo of at most 10 MB, whose
// sides together are at most 10,000 pixels, and one at most 20 times the other; Slack
// shows a preview of it.
// https://core.telegram.org/bots/api#sendphoto
func TestCountCharts(t *testing.T) {
	for name, c := range countSamples(t) {
		for _, lang := range []string{"en", "ru"} {
			for _, dark := range []bool{false, true} {
				c.Dark = dark
				data, err := CountChart(atCharted(t, lang), c)
				if err != nil {
					t.Fatal(err)
				}
				picture := decode(t, data)
				if picture.Bounds() != image.Rect(0, 0, 1080, 648) || len(data) > 300<<10 {
					t.Errorf("%s.%s: %v, %d bytes", name, lang, picture.Bounds(), len(data))
				}
				ground := onLight()
				if dark {
					ground = onDark()
				}
				for _, edge := range []image.Point{{}, {1079, 0}, {0, 647}, {1079, 647}, {540, 647}, {1079, 324}} {
					if !alike(picture.At(edge.X, edge.Y), ground.paper) {
						t.Errorf("%s.%s, dark %t: something is at the edge %v: %v", name, lang, dark, edge, picture.At(edge.X, edge.Y))
					}
				}
			}
		}
	}
}

func atCharted(tb testing.TB, lang string) compose.Writer {
	w := writer(tb, lang)
	w.Now = charted(tb)
	return w
}

// alike reports whether two colours look the same.
func alike(a, b color.Color) bool {
	r, g, bl, _ := a.RGBA()
	r2, g2, bl2, _ := b.RGBA()
	near := func(x, y uint32) bool { return max(x, y)-min(x, y) < 24<<8 }
	return near(r, r2) && near(g, g2) && near(bl, bl2)
}

// spots are the columns of a picture in which a colour is, each with its middle height
// in pixels from the top.
func spots(picture image.Image, c color.Color) map[int]float64 {
	found := map[int]float64{}
	for x := range picture.Bounds().Max.X {
		sum, n := 0, 0
		for y := range picture.Bounds().Max.Y {
			if alike(picture.At(x, y), c) {
				sum, n = sum+y, n+1
			}
		}
		if n > 0 {
			found[x] = float64(sum) / float64(n)
		}
	}
	return found
}

// A line is where its counts are: a level one between the lines of the grid of its
// count, in a picture of any language and ground. Days without a reading have no line.
func TestLinesAreWhereTheyBelong(t *testing.T) {
	for _, dark := range []bool{false, true} {
		c := reports.Chart{Kind: "failed", Servers: []string{"isp1"}, Length: 61 * day, Axis: reports.AxisOf(charted(t), 61*day), Dark: dark}
		curve := reports.NewCurve("isp1", c.Axis)
		for i := range 61 { // ten days at 20, a gap, twenty at 40, a gap, the rest at 60 and the last at 80
			value := []int{20, -1, 40, 40, -1, 60}[min(5, i/10)]
			if i == 60 {
				value = 80
			}
			if value > 0 {
				curve.Add(c.Axis, reports.Sample{At: c.Axis.Moments[i].Add(time.Hour), Value: value})
			}
		}
		c.Curves = []*reports.Curve{curve}
		data, err := CountChart(atCharted(t, "en"), c)
		if err != nil {
			t.Fatal(err)
		}
		ground := onLight()
		if dark {
			ground = onDark()
		}
		line := spots(decode(t, data), ground.lines[0])
		p := counting{newDocument(writer(t, "en"), reports.Weekly{}), mustFonts(t, ground), writer(t, "en"), c}
		g, _ := p.place(draw.Crop(draw.New(vgimg.NewWith(vgimg.UseWH(countWidth, countHeight), vgimg.UseDPI(countDPI))), 12, -12, 10, -10-underTitle))
		pixel := func(i, n int) (x int, y float64) {
			at := g.at(i, n)
			return int(math.Round(float64(at.X) * countDPI / 72)), float64(countHeight-at.Y) * countDPI / 72
		}
		for _, tt := range []struct{ day, value int }{{0, 20}, {5, 20}, {8, 20}, {25, 40}, {55, 60}, {58, 60}} {
			x, y := pixel(tt.day, tt.value)
			if got, ok := line[x]; !ok || math.Abs(got-y) > 2 {
				t.Errorf("dark %t: day %d is drawn at %.1f, %t; want %.1f", dark, tt.day, got, ok, y)
			}
		}
		for _, day := range []int{11, 15, 18, 41, 45, 48} {
			if x, _ := pixel(day, 0); line[x] != 0 {
				t.Errorf("dark %t: day %d has a line at %.1f, and no reading", dark, day, line[x])
			}
		}
		if x, y := pixel(60, 80); math.Abs(line[x]-y) > 3 {
			t.Errorf("dark %t: the last day is drawn at %.1f, want %.1f", dark, line[x], y)
		}
	}
}

func mustFonts(t *testing.T, ground theme) fonts {
	t.Helper()
	in, err := newFonts(ground)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// A grid begins at zero, unless a line would be level there.
func TestScale(t *testing.T) {
	for _, tt := range []struct{ low, high, bottom, top, rise int }{
		{0, 0, 0, 1, 1}, {7, 7, 6, 8, 1}, {0, 5, 0, 6, 1}, {12, 163, 0, 200, 50}, {3390, 3421, 3380, 3430, 10}, {3412, 3412, 3411, 3413, 1}, {80, 100, 0, 120, 20}, {86, 100, 85, 105, 5},
	} {
		if bottom, top, rise := scale(tt.low, tt.high); bottom != tt.bottom || top != tt.top || rise != tt.rise {
			t.Errorf("%d to %d: a grid from %d to %d by %d, want %d to %d by %d", tt.low, tt.high, bottom, top, rise, tt.bottom, tt.top, tt.rise)
		}
	}
}

// Runs are the days between gaps.
func TestRuns(t *testing.T) {
	points := make([]reports.CurvePoint, 9)
	for _, i := range []int{1, 2, 3, 5, 7, 8} {
		points[i].Known = true
	}
	if got := runs(points); !slices.Equal(got, []run{{1, 4, false}, {5, 6, false}, {7, 9, true}}) {
		t.Errorf("%+v", got)
	}
	if got := runs(make([]reports.CurvePoint, 3)); got != nil {
		t.Errorf("nothing: %+v", got)
	}
}

// Axis labels are few enough to stand apart, and the newest day has one.
func TestAxisLabels(t *testing.T) {
	for length, want := range map[time.Duration]string{
		4 * day: "4: 18 Nov|19 Nov|20 Nov|21 Nov", 30 * day: "6: 27 Oct|1 Nov|6 Nov|11 Nov|16 Nov|21 Nov",
		365 * day: "6: 20 Jan|22 Mar|22 May|22 Jul|21 Sep|21 Nov", 730 * day: "5: 23 Nov 2024|24 May 2025|22 Nov 2025|23 May 2026|21 Nov 2026",
		day: "8: 15:00|18:00|21:00|21 Nov|03:00|06:00|09:00|12:00", 3 * day: "6: 19 Nov|12:00|20 Nov|12:00|21 Nov|12:00",
	} {
		p := counting{document: newDocument(atCharted(t, "en"), reports.Weekly{}), Chart: reports.Chart{Axis: reports.AxisOf(charted(t), length)}}
		labels := p.labels()
		var got []string
		for _, i := range slices.Sorted(maps.Keys(labels)) {
			got = append(got, labels[i])
		}
		if said := fmt.Sprintf("%d: %s", len(got), strings.Join(got, "|")); said != want {
			t.Errorf("%v: %s, want %s", length, said, want)
		}
	}
}

// Every line has a contrast of at least 3 to its ground, and all text one of at least
// 4.5 (WCAG 2.2, 1.4.11 and 1.4.3).
func TestContrasts(t *testing.T) {
	for name, ground := range map[string]theme{"light": onLight(), "dark": onDark()} {
		for i, c := range ground.lines {
			if got := colourContrast(c, ground.paper); got < 3 {
				t.Errorf("%s: line %d has the contrast %.2f", name, i, got)
			}
		}
		for _, c := range []color.Color{ground.ink, ground.faint} {
			if got := colourContrast(c, ground.paper); got < 4.5 {
				t.Errorf("%s: text has the contrast %.2f", name, got)
			}
		}
	}
}

// colourContrast is the ratio of two colours' luminances, as WCAG 2.2 defines it.
func colourContrast(a, b color.Color) float64 {
	light := func(c color.Color) float64 {
		r, g, b, _ := c.RGBA()
		linear := func(v uint32) float64 {
			x := float64(v) / 0xFFFF
			if x <= 0.04045 {
				return x / 12.92
			}
			return math.Pow((x+0.055)/1.055, 2.4)
		}
		return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b) + 0.05
	}
	return max(light(a), light(b)) / min(light(a), light(b))
}

// What is too long for its place is broken between words, or cut.
func TestLongTexts(t *testing.T) {
	style := mustFonts(t, onLight()).style(sizeLabel, false)
	if got := cut(style, "big-hosting-panel-17.example.com", 100); style.Width(got) > 100 || !strings.HasSuffix(got, "…") || len(got) < 8 {
		t.Errorf("cut to %q", got)
	}
	if got := twoLines(style, "УЦ получил неверный ответ при проверке", 220); !slices.Equal(got, []string{"УЦ получил неверный ответ", "при проверке"}) {
		t.Errorf("broken into %q", got)
	}
	if got := twoLines(style, "сбой", 220); !slices.Equal(got, []string{"сбой"}) {
		t.Errorf("broken into %q", got)
	}
}

func BenchmarkCountChart(b *testing.B) {
	w, c := atCharted(b, "ru"), countSamples(b)["failed"]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CountChart(w, c); err != nil {
			b.Fatal(err)
		}
	}
}
