package reports_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// An axis ends with the present day or hour of its reader; days are as long as the
// clock makes them.
func TestAxis(t *testing.T) {
	for _, tt := range []struct {
		name, zone, now string
		length          time.Duration
		steps           int
		first, last     string // where these steps begin
	}{
		{"ninety days", "Europe/Moscow", "2026-11-29T14:05:00+03:00", 90 * 24 * time.Hour, 90, "2026-09-01T00:00:00+03:00", "2026-11-29T00:00:00+03:00"},
		{"over a change of the clock", "Europe/Berlin", "2026-11-01T14:05:00+01:00", 10 * 24 * time.Hour, 10, "2026-10-23T00:00:00+02:00", "2026-11-01T00:00:00+01:00"},
		{"hours", "Europe/Moscow", "2026-11-29T14:05:00+03:00", 24 * time.Hour, 24, "2026-11-28T15:00:00+03:00", "2026-11-29T14:00:00+03:00"},
		{"hours of a zone between hours", "Asia/Kolkata", "2026-11-29T14:05:00+05:30", 48 * time.Hour, 48, "2026-11-27T15:00:00+05:30", "2026-11-29T14:00:00+05:30"},
		{"the second of two equal hours", "Europe/Berlin", "2026-10-25T02:30:00+01:00", 24 * time.Hour, 24, "2026-10-24T04:00:00+02:00", "2026-10-25T02:00:00+01:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			a := reports.AxisOf(now.In(zone(t, tt.zone)), tt.length)
			begins := func(i int) string { return a.Moments[i].Format(time.RFC3339) }
			if a.Steps() != tt.steps || begins(0) != tt.first || begins(a.Steps()-1) != tt.last {
				t.Errorf("%d steps from %s to %s, want %d from %s to %s", a.Steps(), begins(0), begins(a.Steps()-1), tt.steps, tt.first, tt.last)
			}
			if i, ok := a.Step(now); !ok || i != a.Steps()-1 {
				t.Errorf("now is in step %d, %t", i, ok)
			}
			if _, ok := a.Step(a.To()); ok {
				t.Error("the end belongs to a step")
			}
			if _, ok := a.Step(a.From().Add(-1)); ok {
				t.Error("a moment before the axis belongs to a step")
			}
		})
	}
}

// A day without samples is not known, which is not zero.
func TestCurve(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	a := reports.AxisOf(now, 5*24*time.Hour)
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	samples := []reports.Sample{{At: at(24, 23), Value: 99}, {At: at(26, 1), Value: 5}, {At: at(26, 9), Value: 2}, {At: at(26, 20), Value: 3}, {At: at(28, 7), Value: 0}, {At: at(28, 8), Value: 7}}
	c := reports.NewCurve("isp1", a)
	for _, s := range samples {
		c.Add(a, s)
	}
	want := &reports.Curve{Name: "isp1", First: samples[1], Last: samples[5], Low: samples[4], High: samples[5],
		Points: []reports.CurvePoint{{}, {Known: true, Low: 2, High: 5, Last: 3}, {}, {Known: true, High: 7, Last: 7}, {}}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	if n := c.Gaps(); n != 2 {
		t.Errorf("%d gaps", n)
	}
}

// What passed by itself is compared with all attempts of the hour or the server.
func TestCountFlaky(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 29, hour, 40, 0, 0, time.UTC) }
	passed := []reports.Passing{{Server: "isp2", At: at(3), Code: checks.CADNS}, {Server: "isp1", At: at(3), Code: checks.CAUnauthorized}, {Server: "isp1", At: at(22), Code: checks.CAUnauthorized}}
	tried := []reports.Tried{{Server: "isp1", At: at(3), Issued: 50, Failed: 10}, {Server: "isp2", At: at(4), Issued: 20}, {Server: "isp3", At: at(22), Failed: 40}}
	for by, want := range map[string]string{
		reports.ByHour:   "3 2/60 1.5|4 0/20 0.5|22 1/40 1.0|",
		reports.ByServer: "isp1 2/60 1.5|isp2 1/20 0.5|isp3 0/40 1.0|",
		reports.ByCause:  "ca.unauthorized 2/0 0.0|ca.dns 1/0 0.0|",
	} {
		f, got := reports.CountFlaky(by, passed, tried), ""
		for _, b := range f.Bars {
			if b.N+b.Attempts > 0 {
				name := map[string]any{reports.ByHour: b.Hour, reports.ByServer: b.Server, reports.ByCause: b.Code}[by]
				got += fmt.Sprintf("%v %d/%d %.1f|", name, b.N, b.Attempts, f.ByChance(b))
			}
		}
		if got != want || f.Total != 3 || f.Attempts != 120 {
			t.Errorf("by %s: %s of %d and %d, want %s", by, got, f.Total, f.Attempts, want)
		}
	}
}

// What has no bar of its own is in the last one.
func TestManyBars(t *testing.T) {
	var passed []reports.Passing
	for i := range 14 {
		for range 20 - i {
			passed = append(passed, reports.Passing{Server: fmt.Sprintf("isp%02d", i)})
		}
	}
	f := reports.CountFlaky(reports.ByServer, passed, nil)
	last := f.Bars[len(f.Bars)-1]
	if len(f.Bars) != 10 || last.Rest != 5 || last.N != 11+10+9+8+7 || f.Most().Server != "isp00" {
		t.Errorf("%d bars, the last %+v, the most %+v", len(f.Bars), last, f.Most())
	}
}
