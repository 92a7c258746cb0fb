package reports

import (
	"sort"
	"time"

	"domovoy/checks"
)

// Sample is a count at a moment.
type Sample struct {
	At    time.Time // zero: there is no sample
	Value int
}

// Axis is the time that a chart covers, in steps of a day or an hour.
type Axis struct {
	Moments []time.Time // where each step begins, and the end of the last
	Hourly  bool
}

// hourlyUpTo is the longest time that is shown by hours.
const hourlyUpTo = 72 * time.Hour

// AxisOf is the time of that length up to now. Its steps are days and hours in the
// zone of now; the last one is not over. A time of up to three days is in hours.
func AxisOf(now time.Time, length time.Duration) Axis {
	if length <= hourlyUpTo {
		n := int(length / time.Hour)
		last := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), 0, 0, 0, now.Location())
		if last.After(now) { // the hour that a change of the clock repeats
			last = last.Add(-time.Hour)
		}
		a := Axis{Hourly: true}
		for i := range n + 1 {
			a.Moments = append(a.Moments, last.Add(time.Duration(i-n+1)*time.Hour))
		}
		return a
	}
	n := int(length / (24 * time.Hour))
	var a Axis
	for i := range n + 1 {
		a.Moments = append(a.Moments, time.Date(now.Year(), now.Month(), now.Day()-n+1+i, 0, 0, 0, 0, now.Location()))
	}
	return a
}

// Steps is how many there are.
func (a Axis) Steps() int { return len(a.Moments) - 1 }

// From is where the first step begins.
func (a Axis) From() time.Time { return a.Moments[0] }

// To is the end of the last step.
func (a Axis) To() time.Time { return a.Moments[a.Steps()] }

// Step is the step of a moment; false: it is outside the axis.
func (a Axis) Step(at time.Time) (int, bool) {
	after := sort.Search(len(a.Moments), func(i int) bool { return a.Moments[i].After(at) })
	return after - 1, after > 0 && after <= a.Steps()
}

// Curve is a count over an axis, with a point for each step.
type Curve struct {
	Name                   string // the server, or what is counted
	Points                 []CurvePoint
	First, Last, Low, High Sample // of all samples within the axis
	Unread                 bool   // it cannot be counted now
}

// CurvePoint is what the samples of one step say. A step without samples is not
// known; that is not zero.
type CurvePoint struct {
	Known           bool
	Low, High, Last int
}

// NewCurve is a curve without samples.
func NewCurve(name string, a Axis) *Curve {
	return &Curve{Name: name, Points: make([]CurvePoint, a.Steps())}
}

// Add adds a sample, which must not be older than those before. One outside the
// axis is ignored.
func (c *Curve) Add(a Axis, s Sample) {
	i, ok := a.Step(s.At)
	if !ok {
		return
	}
	p := &c.Points[i]
	if !p.Known {
		*p = CurvePoint{true, s.Value, s.Value, s.Value}
	}
	p.Low, p.High, p.Last = min(p.Low, s.Value), max(p.High, s.Value), s.Value
	if c.First.At.IsZero() {
		c.First, c.Low, c.High = s, s, s
	}
	if c.Last = s; s.Value < c.Low.Value {
		c.Low = s
	}
	if s.Value > c.High.Value {
		c.High = s
	}
}

// Current reports whether the last sample is the count of now: it is of the last step,
// the present one, and what is counted can be read.
func (c *Curve) Current() bool { return c.Points[len(c.Points)-1].Known && !c.Unread }

// Gaps is how many steps without samples there are after the first one with
// samples.
func (c *Curve) Gaps() int {
	n, begun := 0, false
	for _, p := range c.Points {
		begun = begun || p.Known
		if begun && !p.Known {
			n++
		}
	}
	return n
}

// Kinds of charts beside those of the panels' counts, which are called like their
// codes without "panel.".
const (
	ChartAttempts = "attempts" // to issue, by their outcome
	ChartFlaky    = "flaky"    // issued after a failure: ca.flaky
)

// Charts lists the kinds of charts.
func Charts() []string {
	return []string{"failed", "failing", "processing", "overdue", "nocertificate", "noredirect", ChartAttempts, ChartFlaky}
}

// Chart is what one picture shows.
type Chart struct {
	Kind      string
	Servers   []string // whose counts they are
	Length    time.Duration
	Axis      Axis
	Curves    []*Curve // of a count: one for each server; of attempts: issued, failed
	Undrawn   int      // servers for which there is no room
	Threshold int      // from which the count is a problem; 0: there is none
	Flaky     *Flaky   // of ChartFlaky only
	Dark      bool     // on a dark ground
	Where     string   // the filter by server, as one types it; may be empty
}

// Code is the code of the count; empty: it is not a count of panels.
func (c Chart) Code() checks.Code {
	if c.Kind == ChartAttempts || c.Kind == ChartFlaky {
		return ""
	}
	return checks.Code("panel." + c.Kind)
}

// Known reports whether there is anything to draw.
func (c Chart) Known() bool {
	if c.Flaky != nil {
		return c.Flaky.Total > 0
	}
	for _, x := range c.Curves {
		if !x.First.At.IsZero() {
			return true
		}
	}
	return false
}
