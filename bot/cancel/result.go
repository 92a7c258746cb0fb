package cancel

import (
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// CancelResultData is the JSON of a confirmed cancel authz.
type CancelResultData struct {
	Result CancelResult `json:"result"`
}

// CancelResult is what became of a plan.
type CancelResult struct {
	Deactivated int               `json:"deactivated"`
	Skipped     int               `json:"skipped"`
	Failed      int               `json:"failed"`
	Left        int               `json:"left" jsonschema:"it was stopped before them"`
	Price       int               `json:"price" jsonschema:"what was spent, in failed validations"`
	Items       []CancelledData   `json:"items"`
	Plan        string            `json:"plan"`
	State       journal.TaskState `json:"state" jsonschema:"done or stopped"`
}

// CancelledData is what became of one authorization.
type CancelledData struct {
	URL    string `json:"url"`
	Domain string `json:"domain"`
	Server string `json:"server"`
	Result string `json:"result" jsonschema:"deactivated, skipped, failed, left"`
	Why    string `json:"why,omitempty"`
}

// result is the outcome of the plan, for its reader, programs and the audit.
func (x *cancelling) result() bot.Answer {
	r := CancelResult{Items: []CancelledData{}, Plan: x.kept.ID, State: journal.TaskDone}
	if x.task.Stopped() {
		r.State = journal.TaskStopped
	}
	told := compose.CancelResult{Servers: x.servers(), Stopped: x.task.Stopped(), Why: map[string]int{}}
	for _, i := range x.plan.Items {
		item := CancelledData{URL: i.URL, Domain: i.Name, Server: i.Server}
		s := x.step(i.URL)
		item.Why = s.Note
		switch s.State {
		case journal.StepDone:
			item.Result = "deactivated"
			r.Deactivated, r.Price = r.Deactivated+1, r.Price+i.Cost
		case journal.StepSkipped:
			item.Result = "skipped"
			r.Skipped++
			told.Why[s.Note]++
		case journal.StepFailed:
			item.Result = "failed"
			r.Failed, r.Price = r.Failed+1, r.Price+i.Cost // at worst
			why, _, _ := strings.Cut(s.Note, " ")
			told.Failed = append(told.Failed, compose.CancelFailed{Name: i.Name, Why: why, Detail: strings.TrimPrefix(s.Note, why)})
		default:
			item.Result = "left"
			r.Left++
		}
		r.Items = append(r.Items, item)
	}
	told.Deactivated, told.Skipped, told.Left, told.Price = r.Deactivated, r.Skipped, r.Left, r.Price
	told.Known = x.known()
	return bot.Answer{Message: compose.Cancelled(x.task.Writer(), told), Data: CancelResultData{r}, Act: x.audited(r)}
}

// known reports whether the price is, at all servers of the plan.
func (x *cancelling) known() bool {
	for _, server := range x.servers() {
		if p := x.canceller.watch.Panel(server); p != nil && p.CA != nil {
			if _, known, _ := charge(p.CA, time.Now()); !known {
				return false
			}
		}
	}
	return true
}

// audited is what was done, at which price, with which result.
func (x *cancelling) audited(r CancelResult) *bot.Act {
	by := x.task.By
	words := []string{"authz", "plan=" + x.kept.ID}
	words = append(words, x.servers()...)
	var names []string
	for _, i := range x.plan.Items {
		if s := x.step(i.URL); s.Tries > 0 {
			names = append(names, strings.TrimPrefix(i.Name, "*."))
		}
	}
	slices.Sort(names)
	words = append(words, slices.Compact(names)...)
	result := reports.CancelOutcome{Stopped: r.State == journal.TaskStopped,
		Deactivated: r.Deactivated, Skipped: r.Skipped, Failed: r.Failed, Left: r.Left, Price: r.Price,
		Confirmed: slices.DeleteFunc(slices.Clone(x.kept.Confirmed), func(p string) bool { return p == by.Person })}
	return &bot.Act{Command: cancelKind, Args: strings.Join(words, " "), Result: result.String()}
}
