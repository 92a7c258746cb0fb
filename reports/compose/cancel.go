package compose

import (
	"fmt"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// ReadProgress is how many authorizations have been read.
type ReadProgress struct {
	Server      string
	Done, Total int   // Total is 0 while it is not known
	Task        int64 // 0: not stored yet
}

// Reading says that authorizations are being read.
func Reading(w Writer, r ReadProgress) reports.Message {
	if r.Total == 0 {
		m := w.message(reports.Plain, w.Say("cancel.reading.first"))
		m.Silent = true
		return m
	}
	m := w.message(reports.Plain, w.Say("cancel.reading.so", i18n.Args{"Server": r.Server, "Done": r.Done, "Total": r.Total}))
	m.Actions = []reports.Action{w.stopAction(fmt.Sprint(r.Task))}
	return m
}

// CancelPlan is what would be cancelled, and what that costs.
type CancelPlan struct {
	ID          string        // to confirm it by; empty: nothing can be confirmed
	Lives       time.Duration // how long it can be confirmed
	Asked       bool          // all were asked for, so that finding none means something
	Valid       bool          // valid ones are wanted, too
	NeedsSecond bool          // another administrator must confirm, too
	Servers     []CancelServer
	Place, Node string   // where a node was asked for: as server/node, and its name
	Unreadable  []string // why others could not be asked, as texts
}

// CancelServer is the part of a plan at one server.
type CancelServer struct {
	Name    string
	Account string // URL; empty: not known without the key
	Key     string // why the key cannot be used; empty: it can
	Hint    string // why nothing was found; may be empty
	Items   int    // would be cancelled
	Busy    int    // pending ones whose name is being ordered just now
	Pending int
	Valid   int
	Left    CancelLeft
	Price   CancelPrice
	Names   []CancelName // what would be cancelled by name, the most first
}

// CancelLeft are the authorizations that are left alone.
type CancelLeft struct {
	Final, Foreign, Later, Unread int
	Elsewhere                     int // of sites of other nodes, or of no site
	Hidden                        int // orders that only the key may read
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
	Used    int       // of the same limit already
	Expires time.Time // of the last one; zero: not known
}

// mostNames is how many names a plan shows.
const mostNames = 10

// AskToCancel shows a plan with its price, and the button that confirms it.
func AskToCancel(w Writer, p CancelPlan) reports.Message {
	m := w.message(reports.Plain, planTitle(w, p))
	items := 0
	for _, s := range p.Servers {
		items += s.Items
		m.Sections = append(m.Sections, planServer(w, p, s)...)
	}
	if p.Node != "" {
		m.Sections = append(m.Sections, reports.Section{Text: w.Say("cancel.node", i18n.Args{"Place": p.Place, "Node": p.Node})})
	}
	for _, text := range p.Unreadable {
		m.Sections = append(m.Sections, reports.Section{Text: text})
	}
	if items > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: ifNothingIsDone(w, p)})
	}
	if p.ID == "" {
		return m
	}
	binding := w.Say("cancel.button", i18n.Args{"Age": p.Lives})
	if p.NeedsSecond {
		binding = w.Say("cancel.second", i18n.Args{"Age": p.Lives})
	}
	m.Sections = append(m.Sections, reports.Section{Text: binding})
	m.Actions = []reports.Action{{Label: w.Say("action.cancel", i18n.Args{"N": items}), Command: "confirm " + p.ID, Danger: true}}
	return m
}

// planTitle names the servers, and the account where there is one.
func planTitle(w Writer, p CancelPlan) string {
	var names []string
	for _, s := range p.Servers {
		names = append(names, s.Name)
	}
	args := i18n.Args{"Servers": strings.Join(names, ", ")}
	if len(p.Servers) == 1 && p.Servers[0].Account != "" {
		args["Account"] = "…" + p.Servers[0].Account[strings.LastIndex(p.Servers[0].Account, "/"):]
	}
	return w.Say("cancel.title", i18n.Args{"Account": ""}, args)
}

func planServer(w Writer, p CancelPlan, s CancelServer) []reports.Section {
	first := reports.Section{Text: pendingOnes(w, s)}
	if len(p.Servers) > 1 {
		first.Heading = s.Name
	}
	for _, text := range []string{beingIssued(w, s), leftAlone(w, s.Left), validOnes(w, p, s), cancelPrice(w, s)} {
		if text != "" {
			first.Text += "\n" + text
		}
	}
	for i, n := range s.Names {
		if i == mostNames {
			first.Left = len(s.Names) - mostNames
			break
		}
		first.Items = append(first.Items, reports.Item{Text: checks.Show(n.Name), Note: cancelNote(w, n)})
	}
	sections := []reports.Section{first}
	for _, key := range []string{"cancel.key." + s.Key, "cancel.hint." + s.Hint} {
		if !strings.HasSuffix(key, ".") && w.Has(key) {
			sections = append(sections, reports.Section{Text: w.Say(key)})
		}
	}
	return sections
}

func pendingOnes(w Writer, s CancelServer) string {
	if s.Pending+s.Valid == 0 && s.Hint != "" {
		return w.Say("cancel.unfound")
	}
	if s.Pending == 0 {
		return w.Say("cancel.none")
	}
	return w.Count("cancel.pending", s.Pending, i18n.Args{"Names": len(s.Names)})
}

// leftAlone counts what is not touched, by reason.
func leftAlone(w Writer, l CancelLeft) string {
	var parts []string
	for _, x := range []struct {
		key string
		n   int
	}{{"final", l.Final}, {"foreign", l.Foreign}, {"elsewhere", l.Elsewhere}, {"later", l.Later}, {"unread", l.Unread}, {"hidden", l.Hidden}} {
		if x.n > 0 {
			parts = append(parts, w.Say("cancel.left."+x.key, i18n.Args{"N": x.n}))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return w.Say("cancel.left.all", i18n.Args{"What": strings.Join(parts, ", ")})
}

func validOnes(w Writer, p CancelPlan, s CancelServer) string {
	switch {
	case s.Valid == 0:
		return ""
	case p.Valid:
		return w.Say("cancel.valid.too", i18n.Args{"N": s.Valid})
	}
	return w.Say("cancel.valid.kept", i18n.Args{"N": s.Valid})
}

// beingIssued warns of orders that are under way: with an authorization its
// order ends (RFC 8555 section 7.1.6).
func beingIssued(w Writer, s CancelServer) string {
	if s.Busy == 0 {
		return ""
	}
	return w.Say("cancel.busy", i18n.Args{"N": s.Busy})
}

// cancelPrice says what cancelling counts as at the CA, by the name it costs most.
func cancelPrice(w Writer, s CancelServer) string {
	cost := 0
	var worst CancelName
	for _, n := range s.Names {
		cost += n.Cost
		if n.Cost > 0 && n.Cost+n.Used > worst.Cost+worst.Used {
			worst = n
		}
	}
	switch {
	case s.Items == 0:
		return ""
	case !s.Price.Known:
		return w.Say("cancel.price.unknown")
	case cost == 0 || !s.Price.Charged:
		return w.Say("cancel.price.free", i18n.Args{"CA": s.Price.CA})
	}
	args := i18n.Args{"CA": s.Price.CA, "Limit": s.Price.Limit, "Window": s.Price.Window, "Name": checks.Show(worst.Name), "N": worst.Cost, "Used": ""}
	if worst.Used > 0 {
		args["Used"] = worst.Used
	}
	return w.Say("cancel.price.failed", args)
}

func cancelNote(w Writer, n CancelName) string {
	var parts []string
	if n.Owner != "" {
		parts = append(parts, n.Owner)
	}
	parts = append(parts, "× "+w.Number(n.N))
	if !n.Expires.IsZero() {
		parts = append(parts, w.Say("cancel.until", i18n.Args{"At": w.when(n.Expires)}))
	}
	return strings.Join(parts, " · ")
}

// ifNothingIsDone says when authorizations expire by themselves.
func ifNothingIsDone(w Writer, p CancelPlan) string {
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
		return w.Say("cancel.wait.unknown")
	}
	return w.Say("cancel.wait.until", i18n.Args{"At": w.when(last)})
}

// OrderPlan is a plan to find pending authorizations by new orders: the CA puts
// an account's existing authorizations into an order for the same names.
type OrderPlan struct {
	ID     string
	Names  []string // that would be ordered, in A-label form
	Orders int
	CA     string // empty: unknown, and so are its limits
	Limit  int    // of new orders of the account in Window; 0: not known
	Window time.Duration
	Lives  time.Duration // how long it can be confirmed
}

// AskToOrder says what the new orders cost and do, with the button that
// confirms them.
func AskToOrder(w Writer, p OrderPlan) reports.Message {
	m := w.message(reports.Plain, w.Count("probe.title", p.Orders))
	price := w.Say("probe.unknown")
	if p.Limit > 0 {
		price = w.Say("probe.price", i18n.Args{"CA": p.CA, "N": p.Orders, "Limit": p.Limit, "Window": p.Window})
	}
	shown := make([]string, 0, mostNames)
	for _, n := range p.Names[:min(mostNames, len(p.Names))] {
		shown = append(shown, checks.Show(n))
	}
	if len(p.Names) > mostNames {
		shown = append(shown, "…")
	}
	m.Sections = []reports.Section{{Text: strings.Join(shown, ", ")}, {Text: price + "\n" + w.Say("probe.effect")},
		{Text: w.Say("cancel.button", i18n.Args{"Age": p.Lives})}}
	m.Actions = []reports.Action{{Label: w.Say("action.probe"), Command: "confirm " + p.ID, Danger: true}}
	return m
}

// Confirmation is the first of two confirmations that a plan needs.
type Confirmation struct {
	Plan string
	Name string        // who confirmed
	Left time.Duration // until the plan expires
}

// Confirmed says that a confirmed plan is being carried out.
func Confirmed(w Writer, plan string) reports.Message {
	m := w.message(reports.Plain, w.Say("confirm.begun", i18n.Args{"Plan": plan}))
	m.Actions = []reports.Action{w.stopAction("{task}")} // the mark of the journal
	return m
}

// ConfirmedFirst asks another administrator for the second confirmation.
func ConfirmedFirst(w Writer, c Confirmation) reports.Message {
	m := w.message(reports.ToneUnknown, w.Say("confirm.first", i18n.Args{"Name": c.Name, "Age": c.Left, "Plan": c.Plan}))
	m.Actions = []reports.Action{{Label: w.Say("action.confirm"), Command: "confirm " + c.Plan, Danger: true}}
	return m
}
