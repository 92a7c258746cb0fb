package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/quorum"
	"domovoy/reports"
)

// ControlCheck is the name of the check of our own resolver and network, and of
// the registries, in findings: one about a server, with the code Unknown and
// these arguments: "blind", a checks.BlindCause; "tld" of a registry; "since",
// the time from which nothing was seen.
const ControlCheck = "control"

// held is a result that is not stored before the end of the sweep: if many more
// are like it, it says nothing about its site.
type held struct {
	subject checks.Subject
	result  checks.Probe
	later   []string
}

// gathering is how many failed lookups make a sweep ask the controls again.
const gathering = 20

// blindLook reports whether the site's names could not be looked up.
func blindLook(p checks.Probe) bool {
	return slices.ContainsFunc(p.Failures, func(f checks.Failure) bool { return f.Check == checks.NamesCheck })
}

// ofNames reports whether a verdict rests on the DNS.
func ofNames(c checks.Code) bool { return strings.HasPrefix(string(c), "dns.") }

// suspicious reports whether a result may be a fault of our own resolver: it saw
// nothing, or the DNS says another thing than before.
func (r *round) suspicious(site string, now checks.Probe) bool {
	if blindLook(now) {
		return true
	}
	before, known := r.before[site]
	was, is := before.Verdict().Code, now.Verdict().Code
	return known && was != is && (ofNames(was) || ofNames(is))
}

// hold sets a result aside. As failures gather, it asks the controls, and the
// sweep ends if they fail, too.
func (r *round) hold(ctx context.Context, h held) error {
	r.mu.Lock()
	r.held = append(r.held, h)
	if blindLook(h.result) {
		r.unseen++
	}
	ask := blindLook(h.result) && r.unseen%gathering == 0
	r.mu.Unlock()
	if !ask {
		return nil
	}
	return r.control(ctx)
}

// control asks whether our own resolver and network work. A registry that does
// not answer is remembered only: other names can still be looked up.
func (r *round) control(ctx context.Context) error {
	if r.panel.Online == nil {
		return nil
	}
	asked := time.Now()
	err := r.panel.Online(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.good = asked
		return nil
	}
	b, ok := errors.AsType[*checks.Blindness](err)
	if !ok {
		b = &checks.Blindness{Cause: checks.BlindResolver, Err: err}
	}
	r.blind = b
	switch {
	case b.Cause == checks.BlindRegistry:
		return nil
	case errors.Is(err, ErrOffline):
		return err
	}
	return fmt.Errorf("%w: %w", ErrOffline, err)
}

// judge decides about the results that were set aside, after one more control.
// Where many sites of many owners fail alike, what was known of them stays:
// that is ours, or above us. The others count.
func (r *round) judge(ctx context.Context) error {
	if len(r.held) == 0 {
		return nil
	}
	if err := r.control(ctx); err != nil {
		return err
	}
	groups := map[checks.Code][]held{}
	for _, h := range r.held {
		code := h.result.Verdict().Code
		if blindLook(h.result) {
			code = checks.Unknown
		}
		groups[code] = append(groups[code], h)
	}
	for code, group := range groups {
		if code != checks.OK && r.alike(group) && !r.again(code) {
			r.blindTo(group, code)
			continue
		}
		for _, h := range group {
			if err := r.release(ctx, h); err != nil {
				return err
			}
		}
	}
	return nil
}

// release lets a result count as if it had not been set aside.
func (r *round) release(ctx context.Context, h held) error {
	r.postpone(h.subject, h.later)
	if r.doubted(h.subject, h.result) {
		return nil
	}
	return r.keep(ctx, h.subject.Site.Name, h.result)
}

// alike reports whether so many sites fail in one way that it is not theirs:
// Stormy, or most of a small panel's, and no more than half of one owner.
func (r *round) alike(group []held) bool {
	all, owners, most := len(r.panel.State().Subjects), map[string]int{}, 0
	for _, h := range group {
		if owner := h.subject.Site.Owner; owner != "" {
			owners[owner]++
			most = max(most, owners[owner])
		}
	}
	many := reports.Stormy(len(group), all) || len(group) >= 3 && 2*len(group) > all
	return many && 2*most <= len(group)
}

// again reports whether the sweep before this one saw the same of the panel with
// healthy controls: then it is true, such as a hoster that closed. What could
// not be seen is never believed.
func (r *round) again(code checks.Code) bool {
	key := r.panel.Name + " " + string(code)
	if code == checks.Unknown || r.blind != nil {
		return false
	}
	r.prober.mu.Lock()
	defer r.prober.mu.Unlock()
	first, seen := r.prober.alike[key]
	if seen && first.Before(r.began) {
		delete(r.prober.alike, key)
		return true
	}
	r.prober.alike[key] = r.began
	return false
}

// blindTo notes that a group of results was not believed, and whose fault that
// is: the registry's, if all are below one top-level domain and others are
// not.
func (r *round) blindTo(group []held, code checks.Code) {
	if r.blind != nil {
		return
	}
	r.blind = &checks.Blindness{Cause: checks.BlindResolver, Err: fmt.Errorf("%d sites of many owners turned to %s in one sweep", len(group), code)}
	tld := topLevel(group[0].subject.Site.Name)
	other := func(name string) bool { return topLevel(name) != tld }
	if slices.ContainsFunc(group, func(h held) bool { return other(h.subject.Site.Name) }) {
		return
	}
	if slices.ContainsFunc(r.todo, func(x *checks.Subject) bool { return other(x.Site.Name) }) {
		r.blind.Cause, r.blind.TLD = checks.BlindRegistry, tld
	}
}

func topLevel(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// looked is what the sweep says about our own sight of the panel, and about our
// addresses at which many sites fail alike.
func (r *round) looked() checks.Outcome {
	out := checks.Outcome{Server: r.panel.Name, Checks: []string{ControlCheck}, Findings: r.spots}
	if r.whole {
		out.Checks = append(out.Checks, AlikeCheck)
	}
	if r.compared {
		out.Checks, out.Findings = append(out.Checks, quorum.SplitCheck), slices.Concat(out.Findings, r.odd)
	}
	if r.blind == nil {
		return out
	}
	args := checks.Args{"blind": string(r.blind.Cause), "since": r.good}
	if r.blind.Cause == checks.BlindRegistry {
		args["tld"], args[checks.WhoArg] = r.blind.TLD, string(checks.Nobody)
	}
	out.Findings = append(out.Findings, checks.Finding{Check: ControlCheck, Server: r.panel.Name, Code: checks.Unknown, Severity: checks.Warning, Args: args,
		Detail: checks.Bound(checks.Clean(r.blind.Error(), 4*checks.WordLength))})
	return out
}
