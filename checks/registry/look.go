package registry

import (
	"context"
	"errors"
	"time"

	"domovoy/checks"
)

// Name is the name of the check in outcomes and failures.
const Name = "registry"

// Check finds out from a registry why DNS does not know a name. It waits for
// its turn where a person waits for the answer, for minutes maybe, and else
// fails with ErrTurn. r may be nil: nobody is asked.
func (r *Registry) Check() checks.Check {
	c := checks.Check{
		Name:  Name,
		Scope: checks.ScopeName,
		Live:  true,
		Codes: []checks.Code{checks.DNSUnregistered, checks.DNSUndelegated},
		Needs: checks.Needs{Registry: true},
	}
	if r == nil {
		return c
	}
	c.Run = func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
		if t.Asked {
			return r.Look(ctx, t.DNS.Name)
		}
		return r.TryLook(ctx, t.DNS.Name)
	}
	return c
}

// Look finds what the registry knows of a name that the DNS does not: free,
// or registered but without name servers. A delegated domain gives nothing:
// its trouble is in its own zone.
func (r *Registry) Look(ctx context.Context, name string) ([]checks.Finding, error) {
	return found(r.Ask(ctx, name))
}

// TryLook is Look without waiting for a turn: among thousands of names none
// holds the others up. It fails with ErrTurn where it would have to wait.
func (r *Registry) TryLook(ctx context.Context, name string) ([]checks.Finding, error) {
	return found(r.ask(ctx, name, now))
}

// found is what an answer means for a name that the DNS does not know.
func found(answer Registration, err error) ([]checks.Finding, error) {
	if errors.Is(err, ErrNoRegistry) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	args := checks.Args{"domain": answer.Domain}
	for key, at := range map[string]time.Time{"paid_till": answer.PaidTill, "free_date": answer.FreeDate} {
		if !at.IsZero() {
			args[key] = at
		}
	}
	switch answer.State {
	case Free:
		return []checks.Finding{finding(checks.DNSUnregistered, args)}, nil
	case Undelegated:
		return []checks.Finding{finding(checks.DNSUndelegated, args)}, nil
	}
	return nil, nil
}

func finding(code checks.Code, args checks.Args) checks.Finding {
	return checks.Finding{Code: code, Severity: code.Severity(), Args: args}
}
