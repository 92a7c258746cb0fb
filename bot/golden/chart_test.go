package golden

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"domovoy/bot/telegram"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// curveOf is a curve with a value for each of the axis's steps, from the first on; a
// negative one is a step without a reading.
func curveOf(server string, a reports.Axis, values ...int) *reports.Curve {
	c := reports.NewCurve(server, a)
	for i, n := range values {
		if n >= 0 {
			c.Add(a, reports.Sample{At: a.Moments[i].Add(10 * time.Minute), Value: n})
		}
	}
	return c
}

// charted is a chart of a count, as the command makes it.
func charted(w compose.Writer, kind string, length time.Duration, threshold int, servers ...[]int) reports.Chart {
	c := reports.Chart{Kind: kind, Length: length, Axis: reports.AxisOf(w.Local(now), length), Threshold: threshold}
	for i, values := range servers {
		name := fmt.Sprint("isp", i+1)
		c.Servers = append(c.Servers, name)
		c.Curves = append(c.Curves, curveOf(name, c.Axis, values...))
	}
	return c
}

// attempted is a chart of attempts.
func attempted(w compose.Writer, length time.Duration, issued, failed []int) reports.Chart {
	c := charted(w, reports.ChartAttempts, length, 0, issued, failed)
	c.Servers, c.Curves[0].Name, c.Curves[1].Name = c.Servers[:1], "issued", "failed"
	return c
}

// passedBy is a chart of failures that passed.
func passedBy(w compose.Writer, by string, n int) reports.Chart {
	c := charted(w, reports.ChartFlaky, 90*day, 0, nil, nil)
	c.Curves = nil
	var passed []reports.Passing
	var tried []reports.Tried
	codes := []checks.Code{checks.CAUnauthorized, checks.CAUnauthorized, checks.CADNS, checks.CAInternal}
	for i := range n {
		hour := w.Local(c.Axis.Moments[i%90].Add(time.Duration(3+i%5*i%7) * time.Hour))
		passed = append(passed, reports.Passing{Server: fmt.Sprint("isp", 1+i%3/2), At: hour, Code: codes[i%4]})
		tried = append(tried, reports.Tried{Server: fmt.Sprint("isp", 1+i%2), At: hour.Add(time.Hour), Issued: 40, Failed: 2})
	}
	c.Flaky = reports.CountFlaky(by, passed, tried)
	c.Flaky.Since = ago(60 * day)
	return c
}

// chartCases are the answers of chart, without their pictures.
func chartCases() map[string]message {
	week := []int{12, 12, 14, -1, -1, 61, 49}
	draw := func(f func(w compose.Writer) reports.Chart) message {
		return func(w compose.Writer) reports.Message { return compose.Chart(w, f(w)) }
	}
	all := map[string]message{
		"chart.menu":  func(w compose.Writer) reports.Message { return compose.ChartMenu(w, "server=isp1") },
		"chart.count": draw(func(w compose.Writer) reports.Chart { return charted(w, "failed", 7*day, 50, week) }),
		"chart.dark": draw(func(w compose.Writer) reports.Chart {
			c := charted(w, "failed", 7*day, 50, week)
			c.Dark, c.Where = true, "server=isp1"
			return c
		}),
		"chart.level": draw(func(w compose.Writer) reports.Chart {
			return charted(w, "noredirect", 7*day, 0, []int{7, 7, 7, 7, 7, 7, 7})
		}),
		"chart.single": draw(func(w compose.Writer) reports.Chart { return charted(w, "overdue", 30*day, 0, append(missing(29), 7)) }),
		"chart.old":    draw(func(w compose.Writer) reports.Chart { return charted(w, "overdue", 7*day, 0, []int{3, 4, 9}) }),
		"chart.unread": draw(func(w compose.Writer) reports.Chart {
			c := charted(w, "failed", 7*day, 50, week)
			c.Curves[0].Unread = true
			return c
		}),
		"chart.none": draw(func(w compose.Writer) reports.Chart { return charted(w, "overdue", 90*day, 0, nil) }),
		"chart.hours": draw(func(w compose.Writer) reports.Chart {
			return charted(w, "processing", day, 100, append([]int{14, 20, 127, -1, 163}, make([]int, 19)...))
		}),
		"chart.panels": draw(func(w compose.Writer) reports.Chart {
			return charted(w, "failed", 7*day, 50, week, []int{3, 3, 3, 3, 3, 3, 4})
		}),
		"chart.panels.stale": draw(func(w compose.Writer) reports.Chart { return charted(w, "failed", 7*day, 50, week, []int{3, 5}, nil) }),
		"chart.panels.many": draw(func(w compose.Writer) reports.Chart {
			c := charted(w, "failed", 7*day, 50, week, week, week, week, week)
			c.Undrawn = 2
			return c
		}),
		"chart.panels.left": draw(func(w compose.Writer) reports.Chart {
			c := charted(w, "failed", 7*day, 50, week, week, week, week, week)
			c.Undrawn = 1
			return c
		}),
		"chart.attempts": draw(func(w compose.Writer) reports.Chart {
			return attempted(w, 7*day, []int{-1, 149, 120, 0, 131, 140, 33}, []int{-1, 14, 3, 0, 6, 2, 0})
		}),
		"chart.attempts.hours": draw(func(w compose.Writer) reports.Chart { return attempted(w, day, []int{1, 2, 0}, []int{0, 4, 0}) }),
		"chart.attempts.none":  draw(func(w compose.Writer) reports.Chart { return attempted(w, 30*day, nil, nil) }),
		"chart.flaky.zero":     draw(func(w compose.Writer) reports.Chart { return passedBy(w, reports.ByHour, 0) }),
		"chart.flaky.nothing": draw(func(w compose.Writer) reports.Chart {
			c := passedBy(w, reports.ByHour, 0)
			c.Flaky.Since = time.Time{}
			return c
		}),
		"chart.flaky.servers": draw(func(w compose.Writer) reports.Chart {
			c := passedBy(w, reports.ByServer, 0)
			var passed []reports.Passing
			for i := range 90 {
				passed = append(passed, reports.Passing{Server: fmt.Sprint("isp", i%13)})
			}
			c.Flaky = reports.CountFlaky(reports.ByServer, passed, []reports.Tried{{Server: "isp1", Issued: 400, Failed: 90}, {Server: "isp2", Issued: 12}})
			c.Flaky.Since = ago(99 * day)
			return c
		}),
	}
	for _, by := range []string{reports.ByHour, reports.ByServer, reports.ByCause} {
		all["chart.flaky."+by] = draw(func(w compose.Writer) reports.Chart { return passedBy(w, by, 37) })
	}
	return all
}

// missing are steps without a reading.
func missing(n int) []int {
	values := make([]int, n)
	for i := range values {
		values[i] = -1
	}
	return values
}

// A picture and its words are one message in Telegram: they fit a caption, which has
// 1024 UTF-16 code units at most.
// https://core.telegram.org/bots/api#sendphoto
func TestChartsFitACaption(t *testing.T) {
	bundle := load(t)
	for name, compose := range chartCases() {
		for _, language := range bundle.Languages() {
			text := telegram.Render(bundle, composed(t, bundle, compose, language))
			if n := len(utf16.Encode([]rune(text))); n > 1024 {
				t.Errorf("%s.%s has %d code units with its markup", name, language, n)
			}
			if strings.Count(text, "\n") > 16 {
				t.Errorf("%s.%s is longer than a phone's screen has room below a picture:\n%s", name, language, text)
			}
		}
	}
}
