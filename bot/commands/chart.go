package commands

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/panel"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/files"
	"domovoy/reports/journal"
)

// ChartData is the JSON of chart. Without a kind of chart it has Charts alone.
type ChartData struct {
	Chart     string     `json:"chart,omitempty"`
	Charts    []string   `json:"charts,omitempty" jsonschema:"that there are"`
	From      *time.Time `json:"from,omitempty"`
	To        *time.Time `json:"to,omitempty"`
	Step      string     `json:"step,omitempty" jsonschema:"hour or day"`
	Threshold *int       `json:"threshold,omitempty"`
	Lines     []LineData `json:"lines,omitempty"`
	By        string     `json:"by,omitempty" jsonschema:"hour, server or cause"`
	Total     *int       `json:"total,omitempty"`
	Attempts  *int       `json:"attempts,omitempty"`
	Bars      []ChartBar `json:"bars,omitempty"`
}

// LineData is one line: of a server, or of attempts that were issued or failed.
type LineData struct {
	Name   string      `json:"name"`
	Points []PointData `json:"points"`
}

// PointData is one step of a line. Value is the last reading of the step; null where
// there was none.
type PointData struct {
	At    time.Time `json:"at" jsonschema:"where the step begins"`
	Value *int      `json:"value"`
	Low   *int      `json:"low"`
	High  *int      `json:"high"`
}

// ChartBar is one bar. ByChance is how many there would be if they were spread like
// all attempts.
type ChartBar struct {
	Name     string   `json:"name"` // the hour, the server, or the code; empty: the rest
	N        int      `json:"n"`
	ByChance *float64 `json:"by_chance,omitempty"`
}

// chartRequest is what chart was asked for.
type chartRequest struct {
	kind   string // empty: which there are
	by     string
	length time.Duration
	dark   bool
	filter listRequest
}

// Times of charts: what a chart shows if nobody says otherwise, and what one may ask for.
const (
	chartLength = 90 * 24 * time.Hour
	chartLeast  = 24 * time.Hour
	chartMost   = 2 * 365 * 24 * time.Hour // as long as counts are kept
)

// parseChart reads "failed 90d server=isp1 dark" or "flaky cause 30d".
func parseChart(words []string) (chartRequest, error) {
	asked := chartRequest{length: chartLength}
	for _, word := range words {
		key, value, assigned := strings.Cut(word, "=")
		kind := strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(word), "panel."), "ca."))
		age, notAge := parseAge(word)
		switch {
		case assigned && key == "server":
			asked.filter.filter.Server = value
		case assigned:
			return asked, bot.Usage("chart", "usage.chartword", word)
		case asked.kind == "" && slices.Contains(reports.Charts(), kind):
			asked.kind = kind
		case word == "dark", word == "light":
			asked.dark = word == "dark"
		case asked.kind == reports.ChartFlaky && slices.Contains([]string{reports.ByHour, reports.ByServer, reports.ByCause}, word):
			asked.by = word
		case notAge == nil && (age < chartLeast || age > chartMost):
			return asked, bot.Usage("chart", "usage.charttime", word)
		case notAge == nil:
			asked.length = age
		case asked.kind == "":
			return asked, bot.Usage("chart", "usage.chart", word)
		default:
			return asked, bot.Usage("chart", "usage.chartword", word)
		}
	}
	return asked, nil
}

// charts draws counts over time.
type charts struct {
	journal *journal.Journal
	watch   *watch.Watch
}

// chart answers with a picture of a count over time; without words, with the kinds of
// charts that there are.
func (c charts) chart(ctx context.Context, r bot.Request) (bot.Answer, error) {
	asked, err := parseChart(r.Words)
	if err != nil {
		return bot.Answer{}, err
	}
	servers, err := c.watch.Servers(ctx, r.Now)
	if err == nil {
		servers, err = asked.filter.named(servers)
	}
	if err != nil {
		return bot.Answer{}, err
	}
	if _, node := checks.ParsePlace(asked.filter.filter.Server); node != "" { // nothing is counted by node
		return bot.Answer{}, bot.Usage("chart", "usage.chartnode", asked.filter.filter.Server)
	}
	where := asked.filter.filters()
	if asked.kind == "" {
		return bot.Answer{Message: compose.ChartMenu(r.Writer(), where), Data: ChartData{Charts: reports.Charts()}}, nil
	}
	chart := reports.Chart{Kind: asked.kind, Servers: panelNames(servers), Length: asked.length, Dark: asked.dark, Where: where,
		Axis: reports.AxisOf(r.Locale.Local(r.Now), asked.length)}
	switch asked.kind {
	case reports.ChartAttempts:
		err = c.attempts(ctx, &chart, servers, r.Now)
	case reports.ChartFlaky:
		err = c.flaky(ctx, &chart, servers, cmp.Or(asked.by, reports.ByHour), r)
	default:
		err = c.count(ctx, &chart, servers, r.Now)
	}
	if err != nil {
		return bot.Answer{}, err
	}
	return drawn(chart, r)
}

// panelNames are the names of panels, without their nodes.
func panelNames(servers []reports.Server) []string {
	names := make([]string, len(servers))
	for i, s := range servers {
		names[i] = s.Name
	}
	return names
}

// drawn is the answer with a chart; there is no picture of nothing.
func drawn(chart reports.Chart, r bot.Request) (bot.Answer, error) {
	w := r.Writer()
	answer := bot.Answer{Message: compose.Chart(w, chart), Data: chartData(chart)}
	if !chart.Known() {
		return answer, nil
	}
	picture, err := files.CountChart(w, chart)
	if err != nil {
		return bot.Answer{}, err
	}
	answer.Message.Files = []reports.File{{Name: compose.ChartFile(w, chart), Type: "image/png", Data: picture}}
	return answer, nil
}

// mostCurves is for how many servers there is room in one picture.
const mostCurves = 5

// count fills in a count of the panels: what the journal has of it, and the value
// of now, which may not be stored yet.
func (c charts) count(ctx context.Context, chart *reports.Chart, servers []reports.Server, now time.Time) error {
	for _, s := range servers {
		curve := reports.NewCurve(s.Name, chart.Axis)
		err := c.journal.Samples(ctx, s.Name, chart.Code(), chart.Axis.From(), now, func(x reports.Sample) { curve.Add(chart.Axis, x) })
		if err != nil {
			return err
		}
		for _, m := range s.Metrics() {
			if m.Code != chart.Code() {
				continue
			}
			chart.Threshold = max(chart.Threshold, m.Threshold.Alarm())
			curve.Unread = !m.Known()
			if m.Known() && s.Read.After(curve.Last.At) {
				curve.Add(chart.Axis, reports.Sample{At: s.Read, Value: m.Value})
			}
		}
		chart.Curves = append(chart.Curves, curve)
	}
	if chart.Undrawn = len(chart.Curves) - mostCurves; chart.Undrawn <= 0 {
		chart.Undrawn = 0
		return nil
	}
	slices.SortStableFunc(chart.Curves, func(a, b *reports.Curve) int { return cmp.Compare(b.Last.Value, a.Last.Value) })
	chart.Curves = chart.Curves[:mostCurves]
	chart.Servers = nil
	for _, x := range chart.Curves {
		chart.Servers = append(chart.Servers, x.Name)
	}
	return nil
}

// attempts counts attempts of all servers together. A step is known from the
// first attempt in a log to the last reading, of several panels the earliest of them.
func (c charts) attempts(ctx context.Context, chart *reports.Chart, servers []reports.Server, now time.Time) error {
	a := chart.Axis
	issued, failed := make([]int, a.Steps()), make([]int, a.Steps())
	var since, until time.Time
	for _, s := range servers {
		first, err := c.journal.AttemptsSince(ctx, s.Name, now)
		if err != nil {
			return err
		}
		if first.IsZero() {
			continue
		}
		read := s.Read
		if read.IsZero() { // not since the program began
			if read, err = c.journal.LastAttemptTime(ctx, s.Name); err != nil {
				return err
			}
		}
		since, until = earlier(since, first), earlier(until, read)
		err = c.journal.Tried(ctx, s.Name, a.From(), a.To(), func(x reports.Tried) {
			if i, ok := a.Step(x.At); ok {
				issued[i], failed[i] = issued[i]+x.Issued, failed[i]+x.Failed
			}
		})
		if err != nil {
			return err
		}
	}
	chart.Curves = []*reports.Curve{reports.NewCurve("issued", a), reports.NewCurve("failed", a)}
	for i := range a.Steps() {
		if since.IsZero() || !a.Moments[i+1].After(since) || a.Moments[i].After(until) {
			continue
		}
		chart.Curves[0].Add(a, reports.Sample{At: a.Moments[i], Value: issued[i]})
		chart.Curves[1].Add(a, reports.Sample{At: a.Moments[i], Value: failed[i]})
	}
	return nil
}

// earlier is the earlier of two moments; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// flaky counts what was issued after a failure, and all attempts beside it.
func (c charts) flaky(ctx context.Context, chart *reports.Chart, servers []reports.Server, by string, r bot.Request) error {
	var passed []reports.Passing
	var tried []reports.Tried
	var since time.Time
	for _, s := range servers {
		first, err := c.journal.AttemptsSince(ctx, s.Name, r.Now)
		if err != nil {
			return err
		}
		since = earlier(since, first)
		err = c.journal.Passings(ctx, s.Name, chart.Axis.From(), chart.Axis.To(), panel.Shortly, func(began time.Time, text string) {
			code, _ := c.watch.Classify(text)
			passed = append(passed, reports.Passing{Server: s.Name, At: r.Locale.Local(began), Code: cmp.Or(code, checks.Unknown)})
		})
		if err != nil {
			return err
		}
		err = c.journal.Tried(ctx, s.Name, chart.Axis.From(), chart.Axis.To(), func(x reports.Tried) {
			x.At = r.Locale.Local(x.At)
			tried = append(tried, x)
		})
		if err != nil {
			return err
		}
	}
	chart.Flaky = reports.CountFlaky(by, passed, tried)
	if chart.Flaky.Attempts > 0 {
		chart.Flaky.Since = since
	}
	return nil
}

func chartData(c reports.Chart) ChartData {
	from, to := c.Axis.From(), c.Axis.To()
	data := ChartData{Chart: c.Kind, From: &from, To: &to, Step: "day"}
	if c.Axis.Hourly {
		data.Step = "hour"
	}
	if c.Threshold > 0 {
		data.Threshold = &c.Threshold
	}
	for _, x := range c.Curves {
		line := LineData{Name: x.Name, Points: make([]PointData, len(x.Points))}
		for i, p := range x.Points {
			line.Points[i].At = c.Axis.Moments[i]
			if p.Known {
				line.Points[i].Value, line.Points[i].Low, line.Points[i].High = &p.Last, &p.Low, &p.High
			}
		}
		data.Lines = append(data.Lines, line)
	}
	if f := c.Flaky; f != nil {
		data.By, data.Total, data.Attempts, data.Step = f.By, &f.Total, &f.Attempts, ""
		for _, b := range f.Bars {
			data.Bars = append(data.Bars, chartBar(f, b))
		}
	}
	return data
}

func chartBar(f *reports.Flaky, b reports.FlakyBar) ChartBar {
	bar := ChartBar{Name: cmp.Or(b.Server, string(b.Code)), N: b.N}
	if f.By == reports.ByHour {
		bar.Name = compose.HourName(b.Hour)
	}
	if f.By != reports.ByCause {
		n := f.ByChance(b)
		bar.ByChance = &n
	}
	return bar
}
