package bot

import (
	"context"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// changed refuses a plan whose world is another one now.
func (x *cancelling) changed(n int) error {
	return &Refusal{Code: ResultChanged, Key: "refusal.plan.changed", Args: i18n.Args{"Plan": x.kept.ID, "N": n, "Total": len(x.plan.Items)}}
}

// begin reads everything again: only if all is as it was when the plan was
// made, the plan is noted to be carried out.
func (x *cancelling) begin(ctx context.Context) error {
	now, fresh := cancelPlan{Accounts: x.plan.Accounts}, map[string]checks.Authorization{}
	for _, server := range x.servers() {
		p := x.task.Bot.watch.panel(server)
		found, unread, err := readAll(ctx, p.CA, x.clients[server], x.urls(server), func(done, total int) {
			x.task.Progress(compose.Reading(x.task.Writer(), compose.ReadProgress{Server: server, Done: done, Total: total, Task: x.task.ID}))
		})
		if busy(err) != nil {
			return err
		}
		if err != nil {
			return caRefusal(p, err)
		}
		if unread > 0 {
			return &Refusal{Code: ResultUnavailable, Key: "refusal.ca.unread", Args: i18n.Args{"Server": server, "N": unread}}
		}
		for _, a := range found {
			fresh[a.URL] = a
		}
	}
	differ, steps := 0, make([]journal.Step, len(x.plan.Items))
	for n, i := range x.plan.Items {
		is := i
		is.Status = fresh[i.URL].Status
		now.Items = append(now.Items, is)
		if is.Status != i.Status && (i.Expires.IsZero() || i.Expires.After(time.Now())) {
			differ++
		}
		steps[n] = journal.Step{Item: i.URL, Name: paced(x.plan.Accounts[i.Server], i.Name), State: journal.StepPlanned}
	}
	if at := time.Now(); now.hash(at) != x.plan.hash(at) {
		return x.changed(differ)
	}
	if err := x.task.Bot.journal.KeepSteps(ctx, x.task.ID, steps); err != nil {
		return err
	}
	return x.load(ctx)
}

func (x *cancelling) servers() []string {
	var servers []string
	for _, i := range x.plan.Items {
		if !slices.Contains(servers, i.Server) {
			servers = append(servers, i.Server)
		}
	}
	return servers
}

func (x *cancelling) urls(server string) []string {
	var urls []string
	for _, i := range x.plan.Items {
		if i.Server == server {
			urls = append(urls, i.URL)
		}
	}
	return urls
}
