package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
)

// Reads is how far the reading of authorizations is.
type Reads struct {
	Server      string
	Done, Total int   // Total may be 0: not known yet
	Task        int64 // 0: it is not stored yet
}

// Reading says that authorizations are being read.
func (w Writer) Reading(r Reads) Message {
	if r.Total == 0 {
		m := w.message(Plain, w.Locale.Say("cancel.reading.first"))
		m.Silent = true
		return m
	}
	m := w.message(Plain, w.Locale.Say("cancel.reading.so", i18n.Args{"Server": r.Server, "Done": r.Done, "Total": r.Total}))
	m.Actions = []Action{w.StopAction(fmt.Sprint(r.Task))}
	return m
}

// CancelPlan is what would be cancelled, and what that costs.
type CancelPlan struct {
	ID      string        // to confirm it by; empty: nothing can be confirmed
	Lives   time.Duration // how long it can be
	Asked   bool          // all were asked for, so that finding none means something
	Valid   bool          // valid ones are wanted, too
	Second  bool          // another administrator must confirm, too
	Servers []CancelServer
}

// CancelServer is the part of a plan at one server.
type CancelServer struct {
	Name    string
	Account string // URL; empty: not known without the key
	Key     string // why the key cannot be used; empty: it can
	Hint    string // why nothing was found; may be empty
	Items   int    // would be cancelled
	Pending int
	Valid   int
	Left    CancelLeft
	Price   CancelPrice
	Names   []CancelName // what would be cancelled by name, the most first
}

// CancelLeft are the authorizations that are left alone.
type CancelLeft struct {
	Final, Foreign, Busy, Later, Unread int
	Hidden                              int // orders that only the key may read
}

// CancelPrice is what cancelling counts as.
type CancelPrice struct {
	CA      string // its name; empty: unknown
	Known   bool
	Charged bool
	Limit   int // failed validations of a name within Window
	Window  time.Duration
}

// CancelName is what would be cancelled of one name.
type CancelName struct {
	Name    string // A-label form, with the "*." of a wildcard
	Owner   string // may be empty
	N       int
	Cost    int
	Expires time.Time // of the last one; zero: not told
}

// mostNames is how many names a plan shows.
const mostNames = 10

// CancelPlan shows a plan with its price, and the button that confirms it.
func (w Writer) CancelPlan(p CancelPlan) Message {
	m := w.message(Plain, w.planTitle(p))
	items := 0
	for _, s := range p.Servers {
		items += s.Items
		m.Sections = append(m.Sections, w.planServer(p, s)...)
	}
	if items > 0 {
		m.Sections = append(m.Sections, Section{Text: w.waiting(p)})
	}
	if p.ID == "" {
		return m
	}
	binding := w.Locale.Say("cancel.button", i18n.Args{"Age": p.Lives})
	if p.Second {
		binding = w.Locale.Say("cancel.second", i18n.Args{"Age": p.Lives})
	}
	m.Sections = append(m.Sections, Section{Text: binding})
	m.Actions = []Action{{Label: w.Locale.Say("action.cancel", i18n.Args{"N": items}), Command: "confirm " + p.ID, Danger: true}}
	return m
}

// planTitle names the servers, and the account where there is one.
func (w Writer) planTitle(p CancelPlan) string {
	var names []string
	for _, s := range p.Servers {
		names = append(names, s.Name)
	}
	args := i18n.Args{"Servers": strings.Join(names, ", ")}
	if len(p.Servers) == 1 && p.Servers[0].Account != "" {
		args["Account"] = "…" + p.Servers[0].Account[strings.LastIndex(p.Servers[0].Account, "/"):]
	}
	return w.Locale.Say("cancel.title", i18n.Args{"Account": ""}, args)
}

func (w Writer) planServer(p CancelPlan, s CancelServer) []Section {
	first := Section{Text: w.pending(s)}
	if len(p.Servers) > 1 {
		first.Heading = s.Name
	}
	for _, text := range []string{w.leftAlone(s.Left), w.validOnes(p, s), w.price(s)} {
		if text != "" {
			first.Text += "\n" + text
		}
	}
	for i, n := range s.Names {
		if i == mostNames {
			first.Left = len(s.Names) - mostNames
			break
		}
		first.Items = append(first.Items, Item{Text: checks.Show(n.Name), Note: w.cancelNote(n)})
	}
	sections := []Section{first}
	for _, key := range []string{"cancel.key." + s.Key, "cancel.hint." + s.Hint} {
		if !strings.HasSuffix(key, ".") && w.Locale.Has(key) {
			sections = append(sections, Section{Text: w.Locale.Say(key)})
		}
	}
	return sections
}

func (w Writer) pending(s CancelServer) string {
	if s.Pending+s.Valid == 0 && s.Hint != "" {
		return w.Locale.Say("cancel.unfound")
	}
	if s.Pending == 0 {
		return w.Locale.Say("cancel.none")
	}
	return w.Locale.Count("cancel.pending", s.Pending, i18n.Args{"Names": len(s.Names)})
}

// leftAlone counts what is not touched, by reason.
func (w Writer) leftAlone(l CancelLeft) string {
	var parts []string
	for _, x := range []struct {
		key string
		n   int
	}{{"final", l.Final}, {"foreign", l.Foreign}, {"busy", l.Busy}, {"later", l.Later}, {"unread", l.Unread}, {"hidden", l.Hidden}} {
		if x.n > 0 {
			parts = append(parts, w.Locale.Say("cancel.left."+x.key, i18n.Args{"N": x.n}))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return w.Locale.Say("cancel.left.all", i18n.Args{"What": strings.Join(parts, ", ")})
}

func (w Writer) validOnes(p CancelPlan, s CancelServer) string {
	switch {
	case s.Valid == 0:
		return ""
	case p.Valid:
		return w.Locale.Say("cancel.valid.too", i18n.Args{"N": s.Valid})
	}
	return w.Locale.Say("cancel.valid.kept", i18n.Args{"N": s.Valid})
}

// price says what cancelling counts as, by the name that it hits most.
func (w Writer) price(s CancelServer) string {
	cost := 0
	var worst CancelName
	for _, n := range s.Names {
		cost += n.Cost
		if n.Cost > worst.Cost {
			worst = n
		}
	}
	switch {
	case s.Items == 0:
		return ""
	case !s.Price.Known:
		return w.Locale.Say("cancel.price.unknown")
	case cost == 0 || !s.Price.Charged:
		return w.Locale.Say("cancel.price.free", i18n.Args{"CA": s.Price.CA})
	}
	return w.Locale.Say("cancel.price.failed", i18n.Args{"CA": s.Price.CA, "Limit": s.Price.Limit, "Window": s.Price.Window,
		"Name": checks.Show(worst.Name), "N": worst.Cost})
}

func (w Writer) cancelNote(n CancelName) string {
	var parts []string
	if n.Owner != "" {
		parts = append(parts, n.Owner)
	}
	parts = append(parts, "× "+w.Locale.Number(n.N))
	if !n.Expires.IsZero() {
		parts = append(parts, w.Locale.Say("cancel.until", i18n.Args{"At": w.when("", n.Expires)}))
	}
	return strings.Join(parts, " · ")
}

// waiting says what happens if nothing is cancelled.
func (w Writer) waiting(p CancelPlan) string {
	var last time.Time
	pending := 0
	for _, s := range p.Servers {
		pending += s.Pending
		for _, n := range s.Names {
			if n.Expires.After(last) {
				last = n.Expires
			}
		}
	}
	if last.IsZero() || pending == 0 {
		return w.Locale.Say("cancel.wait.unknown")
	}
	return w.Locale.Say("cancel.wait.until", i18n.Args{"At": w.when("", last)})
}

// Cancels is how far cancelling is.
type Cancels struct {
	Task        int64
	Done, Total int
	Rest        time.Duration // how long it takes yet; 0: not told
	Until       time.Time     // it goes on then; zero: it is under way
	Busy        bool          // the CA asked for the pause; else it cannot be reached
}

// Cancelling shows how far cancelling is.
func (w Writer) Cancelling(c Cancels) Message {
	m := w.message(Plain, w.Locale.Say("cancel.progress", i18n.Args{"Done": c.Done, "Total": c.Total}))
	if c.Rest > 0 {
		m.Sections = []Section{{Text: w.Locale.Say("cancel.rest", i18n.Args{"Age": c.Rest})}}
	}
	m.Actions = []Action{w.StopAction(fmt.Sprint(c.Task))}
	return m
}

// CancelWaits says why cancelling rests, and until when.
func (w Writer) CancelWaits(c Cancels) Message {
	m := w.Cancelling(Cancels{Task: c.Task, Done: c.Done, Total: c.Total})
	key := "cancel.waits.offline"
	if c.Busy {
		key = "cancel.waits.busy"
	}
	m.Sections = []Section{{Text: w.Locale.Say(key, i18n.Args{"At": w.when("", c.Until)})}}
	return m
}

// CancelResult is what became of a plan.
type CancelResult struct {
	Servers                           []string
	Stopped, Known                    bool
	Deactivated, Skipped, Left, Price int
	Why                               map[string]int // of what was skipped
	Failed                            []CancelFailed
}

// CancelFailed is an authorization that could not be cancelled.
type CancelFailed struct {
	Name   string
	Why    string
	Detail string // may be empty
}

// CancelResult says what became of a plan.
func (w Writer) CancelResult(r CancelResult) Message {
	total := r.Deactivated + r.Skipped + r.Left + len(r.Failed)
	key := "cancel.result"
	if r.Stopped {
		key = "cancel.stopped"
	}
	tone := ToneOver
	switch {
	case len(r.Failed) > 0:
		tone = ToneWarning
	case r.Stopped:
		tone = Plain
	}
	m := w.message(tone, w.Locale.Say(key, i18n.Args{"Servers": strings.Join(r.Servers, ", "), "Done": r.Deactivated, "Total": total}))
	var lines []string
	for _, why := range slices.Sorted(maps.Keys(r.Why)) {
		lines = append(lines, w.Locale.Say(w.skipKey(why), i18n.Args{"N": r.Why[why]}))
	}
	if r.Left > 0 {
		lines = append(lines, w.Locale.Say("cancel.skipped.left", i18n.Args{"N": r.Left}))
	}
	switch {
	case !r.Known && r.Deactivated > 0:
		lines = append(lines, w.Locale.Say("cancel.spent.unknown"))
	case r.Price > 0:
		lines = append(lines, w.Locale.Count("cancel.spent.failed", r.Price))
	}
	if len(lines) > 0 {
		m.Sections = append(m.Sections, Section{Text: strings.Join(lines, "\n")})
	}
	if len(r.Failed) > 0 {
		m.Sections = append(m.Sections, w.failedOnes(r.Failed))
	}
	return m
}

// skipKey is the text of why something was skipped; a state of another CA has
// none of its own.
func (w Writer) skipKey(why string) string {
	if key := "cancel.skipped." + why; w.Locale.Has(key) {
		return key
	}
	return "cancel.skipped.changed"
}

func (w Writer) failedOnes(failed []CancelFailed) Section {
	s := Section{Heading: w.Locale.Say("cancel.failures", i18n.Args{"N": len(failed)})}
	for i, f := range failed {
		if i == mostNames {
			s.Left = len(failed) - mostNames
			break
		}
		key := "cancel.failed.trouble"
		if own := "cancel.failed." + f.Why; w.Locale.Has(own) {
			key = own
		}
		s.Items = append(s.Items, Item{Text: checks.Show(f.Name), Note: w.Locale.Say(key) + f.Detail})
	}
	return s
}
