package compose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Chart says in words what a picture shows, for who cannot see it. The caller
// adds the picture, unless the chart is not Known.
func Chart(w Writer, c reports.Chart) reports.Message {
	m := w.message(reports.Plain, ChartTitle(w, c))
	switch {
	case c.Flaky != nil && !c.Flaky.Since.IsZero():
		m.Sections = flakySections(w, c)
	case !c.Known():
		m.Tone = reports.ToneUnknown
		key := "chart.begins"
		if c.Code() == "" {
			key = "chart.noattempts"
		}
		m.Sections = []reports.Section{{Text: w.Say(key)}}
	case c.Kind == reports.ChartAttempts:
		m.Sections = []reports.Section{{Text: sentences(attemptPeaks(w, c), w.knownTime(c))}}
	default:
		m.Sections = countSections(w, c)
	}
	m.Actions = chartButtons(w, c)
	return m
}

// ChartMenu asks which chart to draw.
func ChartMenu(w Writer, where string) reports.Message {
	m := w.message(reports.Plain, w.Say("chart.which"))
	m.Sections = []reports.Section{{Text: w.Say("chart.how")}}
	for _, kind := range reports.Charts() {
		m.Actions = append(m.Actions, chartButton(w, kind, where))
	}
	return m
}

// chartButton draws a chart.
func chartButton(w Writer, kind, where string) reports.Action {
	return reports.Action{Label: ChartName(w, kind), Command: joined("chart", kind, where)}
}

// joined are the words that are not empty.
func joined(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ")
}

// sentences are those that there are, as one text.
func sentences(all ...string) string { return joined(all...) }

// ChartName is what a kind of chart counts.
func ChartName(w Writer, kind string) string {
	if kind == reports.ChartAttempts || kind == reports.ChartFlaky {
		return w.Say("chart.kind." + kind)
	}
	return w.Say("metric.panel." + kind)
}

// chartServers are whose counts a chart shows.
func chartServers(w Writer, c reports.Chart) string {
	if len(c.Servers) > 3 {
		return w.Count("chart.panels", len(c.Servers))
	}
	return w.List(c.Servers)
}

// ChartTitle is what a chart says, in one line: the last count, and where one can
// compare, the first.
func ChartTitle(w Writer, c reports.Chart) string {
	args := i18n.Args{"Servers": chartServers(w, c), "What": ChartName(w, c.Kind), "Span": w.Age(c.Length)}
	switch {
	case c.Flaky != nil && !c.Flaky.Since.IsZero():
		args["N"] = c.Flaky.Total
		return w.Say("chart.title.flaky", args)
	case !c.Known():
		return w.Say("chart.title.none", args)
	case c.Kind == reports.ChartAttempts:
		issued, failed := total(c.Curves[0]), total(c.Curves[1])
		args["N"], args["Failed"], args["Share"] = issued+failed, failed, w.Percent(float64(failed)/float64(max(1, issued+failed)))
		return w.Say("chart.title.attempts", args)
	}
	n, current := 0, true
	for _, x := range c.Curves {
		n, current = n+x.Last.Value, current && x.Current()
	}
	args["N"] = n
	x := c.Curves[0]
	switch {
	case !current && len(c.Curves) > 1: // a sum of what was not counted together means nothing
		return w.Say("chart.title.stale", args)
	case !current:
		args["At"] = w.when(x.Last.At)
		return w.Say("chart.title.old", args)
	case len(c.Curves) == 1 && x.Low.Value < x.High.Value:
		args["Was"], args["At"] = x.First.Value, w.stepDate(c, x.First.At)
		return w.Say("chart.title.was", args)
	}
	return w.Say("chart.title.now", args)
}

// total is the sum of a curve that counts what happened in each step.
func total(x *reports.Curve) int {
	n := 0
	for _, p := range x.Points {
		n += p.Last
	}
	return n
}

// stepDate says when something was: the day, or the time where the steps are hours.
func (w Writer) stepDate(c reports.Chart, t time.Time) string {
	if c.Axis.Hourly {
		return w.dateTime(t)
	}
	return w.date(t)
}

// CurveName is whose a curve is, or what it counts.
func CurveName(w Writer, c reports.Chart, x *reports.Curve) string {
	if c.Kind == reports.ChartAttempts {
		return w.Say("chart.curve." + x.Name)
	}
	return x.Name
}

// countSections say from where to where a count went, and what the picture lacks.
func countSections(w Writer, c reports.Chart) []reports.Section {
	var s reports.Section
	var gaps int
	for _, x := range c.Curves {
		gaps = max(gaps, x.Gaps())
		if len(c.Curves) > 1 {
			s.Items = append(s.Items, curveItem(w, c, x))
		}
	}
	if len(c.Curves) == 1 {
		s.Text = curveRange(w, c, c.Curves[0])
	}
	if c.Threshold > 0 {
		s.Text = sentences(s.Text, w.Say("chart.threshold", i18n.Args{"N": c.Threshold}))
	}
	if gaps > 0 {
		key := "chart.gaps.days"
		if c.Axis.Hourly {
			key = "chart.gaps.hours"
		}
		s.Text = sentences(s.Text, w.Say(key, i18n.Args{"N": gaps}))
	}
	if c.Undrawn > 0 {
		s.Text = sentences(s.Text, w.Count("chart.undrawn", c.Undrawn))
	}
	return []reports.Section{s}
}

// curveRange is the range of a curve over its time.
func curveRange(w Writer, c reports.Chart, x *reports.Curve) string {
	args := i18n.Args{"From": w.stepDate(c, x.First.At), "To": w.stepDate(c, x.Last.At), "N": x.Last.Value,
		"Low": x.Low.Value, "LowAt": w.stepDate(c, x.Low.At), "High": x.High.Value, "HighAt": w.stepDate(c, x.High.At)}
	switch {
	case x.First.At.Equal(x.Last.At):
		return w.Say("chart.single", args)
	case x.Low.Value == x.High.Value:
		return w.Say("chart.level", args)
	}
	return w.Say("chart.range", args)
}

// curveItem is the range of one of several servers.
func curveItem(w Writer, c reports.Chart, x *reports.Curve) reports.Item {
	if x.First.At.IsZero() {
		return reports.Item{Tone: reports.ToneUnknown, Text: w.Say("chart.server.none", i18n.Args{"Server": x.Name})}
	}
	args := i18n.Args{"Server": x.Name, "N": x.Last.Value, "Was": x.First.Value, "At": w.stepDate(c, x.First.At),
		"Low": x.Low.Value, "High": x.High.Value}
	if !x.Current() {
		args["At"] = w.when(x.Last.At)
		return reports.Item{Tone: reports.ToneUnknown, Text: w.Say("chart.server.old", args), Note: w.Say("chart.server.range", args)}
	}
	return reports.Item{Text: w.Say("chart.server.last", args), Note: w.Say("chart.server.range", args)}
}

// attemptPeaks says in which step most attempts failed.
func attemptPeaks(w Writer, c reports.Chart) string {
	failed := c.Curves[1]
	if failed.High.Value == 0 {
		return ""
	}
	key := "chart.worst.day"
	if c.Axis.Hourly {
		key = "chart.worst.hour"
	}
	return w.Say(key, i18n.Args{"N": failed.High.Value, "At": w.stepDate(c, failed.High.At)})
}

// knownTime says from when to when the attempts are known, unless it is all of the
// chart's time.
func (w Writer) knownTime(c reports.Chart) string {
	x := c.Curves[0]
	first := slices.IndexFunc(x.Points, func(p reports.CurvePoint) bool { return p.Known })
	text := ""
	if first > 0 {
		text = w.Say("chart.since", i18n.Args{"At": w.stepDate(c, x.First.At)})
	}
	if x.Gaps() > 0 {
		text = sentences(text, w.Say("chart.upto", i18n.Args{"At": w.stepDate(c, x.Last.At)}))
	}
	return text
}

// flakyItems is how many bars are said in words.
const flakyItems = 10

// flakySections say what the bars show, the longest first.
func flakySections(w Writer, c reports.Chart) []reports.Section {
	f := c.Flaky
	var first, random, since string
	if f.Total > 0 {
		b := f.Most()
		first = w.Say("chart.flaky.most", i18n.Args{"What": FlakyName(w, b), "N": b.N})
		if b.Attempts > 0 {
			random = w.Say("chart.flaky.random")
			first = w.Say("chart.flaky.chance", i18n.Args{"What": FlakyName(w, b), "N": b.N, "Chance": int(math.Round(f.ByChance(b)))})
		}
	}
	if f.Since.After(c.Axis.From()) {
		since = w.Say("chart.since", i18n.Args{"At": w.stepDate(c, f.Since)})
	}
	sections := []reports.Section{{Text: sentences(first, w.Say("chart.flaky.what"), random, since)}}
	bars := slices.DeleteFunc(slices.Clone(f.Bars), func(b reports.FlakyBar) bool { return b.N == 0 })
	slices.SortStableFunc(bars, func(a, b reports.FlakyBar) int {
		return cmp.Or(cmp.Compare(a.Rest, b.Rest), cmp.Compare(b.N, a.N))
	})
	all := reports.Section{Folded: true}
	for _, b := range bars[:min(flakyItems, len(bars))] {
		item := reports.Item{Text: w.Say("cause.count", i18n.Args{"What": FlakyName(w, b), "N": b.N})}
		if b.Attempts > 0 {
			item.Note = w.Say("chart.flaky.bychance", i18n.Args{"N": int(math.Round(f.ByChance(b)))})
		}
		all.Items = append(all.Items, item)
	}
	if all.Left = len(bars) - len(all.Items); len(all.Items) > 1 {
		sections = append(sections, all)
	}
	return sections
}

// FlakyName is what a bar counts.
func FlakyName(w Writer, b reports.FlakyBar) string {
	switch {
	case b.Rest > 0:
		return w.Say("chart.flaky.rest", i18n.Args{"N": b.Rest})
	case b.Code != "":
		return w.title(b.Code)
	case b.Server != "":
		return b.Server
	}
	return HourName(b.Hour) + "–" + HourName((b.Hour+1)%24)
}

// HourName is the beginning of an hour of the day: 04:00.
func HourName(hour int) string { return fmt.Sprintf("%02d:00", hour) }

// chartDays are the times that buttons offer.
var chartDays = [...]int{1, 7, 30, 90, 365}

// chartButtons draw the same over another time or by something else, or on another
// ground, and open the list behind the count.
func chartButtons(w Writer, c reports.Chart) []reports.Action {
	by, ground, other := "", "", "dark"
	if c.Flaky != nil {
		by = c.Flaky.By
	}
	if c.Dark {
		ground, other = "dark", ""
	}
	draws := func(label, by, length, ground string) reports.Action {
		return reports.Action{Label: label, Command: joined("chart", c.Kind, by, length, ground, c.Where)}
	}
	own := chartLength(c.Length)
	var all []reports.Action
	for _, days := range chartDays {
		if length := time.Duration(days) * 24 * time.Hour; length != c.Length {
			all = append(all, draws(w.Age(length), by, chartLength(length), ground))
		}
	}
	if by != "" {
		for _, x := range []string{reports.ByHour, reports.ByServer, reports.ByCause} {
			if x != by {
				all = append(all, draws(w.Say("chart.by."+x), x, own, ground))
			}
		}
	}
	if c.Known() {
		label := "chart.dark"
		if c.Dark {
			label = "chart.light"
		}
		all = append(all, draws(w.Say(label), by, own, other))
	}
	if c.Code() != "" {
		all = append(all, reports.Action{Label: w.Say("action.list"), Command: joined("list", c.Kind, c.Where)})
	}
	return append(all, reports.Action{Label: w.Say("chart.all"), Command: joined("chart", c.Where)})
}

// chartLength is a length as one types it.
func chartLength(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	return strconv.Itoa(int(d/time.Hour)) + "h"
}

// ChartFile names the file of a picture: letters, digits, hyphens and a dot.
func ChartFile(w Writer, c reports.Chart) string {
	name := joined(w.Say("chart.file", i18n.Args{"What": c.Kind}), w.Local(w.Now).Format(time.DateOnly))
	return strings.ReplaceAll(name, " ", "-") + ".png"
}

// withCharts adds to the buttons of status one to all charts, which is among those that
// are shown at once, and at the end those to the charts of the counts that are at a
// threshold.
func withCharts(w Writer, buttons []reports.Action, servers []reports.Server) []reports.Action {
	where := ""
	if len(servers) == 1 {
		where = "server=" + servers[0].Name
	}
	first := min(len(buttons), reports.ButtonsMost-2)
	buttons = slices.Insert(buttons, first, reports.Action{Label: w.Say("chart.all"), Command: joined("chart", where)})
	for _, kind := range reports.Charts() {
		if slices.ContainsFunc(servers, func(s reports.Server) bool { return atThreshold(s, checks.Code("panel."+kind)) }) {
			b := chartButton(w, kind, where)
			b.Label = w.Say("chart.of", i18n.Args{"What": b.Label})
			buttons = append(buttons, b)
		}
	}
	return buttons
}

// atThreshold reports whether a count of a server is a problem.
func atThreshold(s reports.Server, code checks.Code) bool {
	return slices.ContainsFunc(s.Metrics(), func(r reports.Reading) bool { return r.Code == code && r.Severity >= checks.Warning })
}
