package alerts

import (
	"context"
	"time"

	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/reports"
)

// Sweep probes every site and records what changed.
func (r *Recorder) Sweep(ctx context.Context, s probe.Sweep) error {
	err := r.prober.Sweep(ctx, s, r.recordProbes, r.recordSight)
	r.send.Wake()
	return err
}

// recordProbes records what a sweep of a panel changed. Troubles of names wait
// for the digest; only so many at once that the cause is probably not theirs
// are told, unless that was said of one of our addresses.
func (r *Recorder) recordProbes(ctx context.Context, p *watch.Panel, server checks.Outcome, now time.Time) error {
	begun, err := r.journal.Baselines(ctx)
	if err != nil {
		return err
	}
	s := p.State()
	out := liveOutcome(s)
	out.Checks = append(out.Checks, server.Checks...)
	out.Findings = append(out.Findings, server.Findings...)
	out.Failures = append(out.Failures, server.Failures...)
	begin := beginning(out, s, begun)
	begin.Server = false // the panel's own reading says that
	found := run{now: now, server: p.Name, out: out, begin: begin, policy: r.watch.Policy}
	for _, check := range begin.Checks {
		found.entry.Baseline = append(found.entry.Baseline, p.Name+"/"+check)
	}
	if _, err := r.settle(ctx, found); err != nil {
		return err
	}
	return r.journal.ForgetProbes(ctx, p.Name, now.Add(-forget))
}

// recordSight records whether a sweep could see at all: our own resolver and
// network, and the registries, worked; and our addresses at which many sites fail
// alike. The first sweep that can see again ends
// the incident, so that its times say when we were blind.
func (r *Recorder) recordSight(ctx context.Context, p *watch.Panel, out checks.Outcome, now time.Time) error {
	policy := r.watch.Policy
	policy.ResolveAfter = 1
	_, err := r.settle(ctx, run{now: now, server: p.Name, out: out, policy: policy})
	return err
}

// forget is how long a site's last result is kept without a new one: it left
// the panel, or was switched off.
const forget = 7 * 24 * time.Hour

// liveOutcome is what the last probes of a panel's sites say, as incidents are
// made of it: each site's root cause as seen from outside.
func liveOutcome(s reports.Server) checks.Outcome {
	out := checks.Outcome{Server: s.Name, Checks: suite.ProbeChecks()}
	for _, x := range s.Subjects {
		look, ok := s.Probes[x.Site.Name]
		if !ok {
			out.Failures = append(out.Failures, everyFailure(out.Checks, s.Name, x.Site.Name)...)
			continue
		}
		verdict := look.Verdict()
		if verdict.Finding.Code != "" {
			out.Findings = append(out.Findings, verdict.Finding)
		}
		out.Failures = append(out.Failures, look.Failures...)
	}
	if len(s.Lost) > 0 { // of some sites aliases or addresses are not known any more
		out.Failures = append(out.Failures, everyFailure(out.Checks, s.Name, "")...)
	}
	return out
}

// everyFailure says that a site, or the whole server, was not probed by any of
// the checks.
func everyFailure(names []string, server, site string) []checks.Failure {
	failures := make([]checks.Failure, len(names))
	for i, name := range names {
		failures[i] = checks.Failure{Check: name, Server: server, Site: site, Err: "not looked at yet"}
	}
	return failures
}
