package bot

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// readable parts the servers that a request names into those that can be
// listed and those that cannot, for the panel could not be read or lacks what
// the list needs: an empty list would be a lie. When none can, that is the
// answer.
func (b *Bot) readable(ctx context.Context, asked listRequest, now time.Time) (readable []reports.Server, dark []string, err error) {
	servers, err := b.named(ctx, asked, now)
	if err != nil {
		return nil, nil, err
	}
	reason := "never"
	for _, s := range servers {
		why := cmp.Or(unknown(s, checks.Code("panel."+asked.kind)), unseen(s, asked.kind))
		if why == "" {
			readable = append(readable, s)
			continue
		}
		dark, reason = append(dark, s.Name), why
	}
	if len(readable) == 0 {
		word, what, _ := strings.Cut(reason, ": ")
		return nil, nil, &Refusal{Code: ResultUnavailable, Key: "trouble." + word, Args: i18n.Args{"What": what}}
	}
	return readable, dark, nil
}

// unknown says why a server's count is not known; empty: it is. A panel that
// cannot be read just now still has what was read of it.
func unknown(s reports.Server, code checks.Code) string {
	if s.Read.IsZero() {
		return cmp.Or(s.Trouble, "never")
	}
	for _, r := range s.Readings {
		if r.Code == code {
			return r.Err
		}
	}
	return ""
}

// unseen says why a list that rests on looks from outside cannot be given;
// empty: it can.
func unseen(s reports.Server, kind string) string {
	_, oldest := s.LookCoverage()
	switch {
	case !reports.FromOutside(kind) || !oldest.IsZero():
		return ""
	case s.Looks == nil:
		return "inside"
	}
	return "unseen"
}

// named are the servers that a request names: all, where it names none.
func (b *Bot) named(ctx context.Context, asked listRequest, now time.Time) ([]reports.Server, error) {
	servers, err := b.servers(ctx, now)
	if err != nil {
		return nil, err
	}
	if err := asked.fits(servers); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(servers, func(s reports.Server) bool { return !asked.filter.HasServer(s.Name) }), nil
}

// fits refuses filters that can match nothing by themselves.
func (l listRequest) fits(servers []reports.Server) error {
	refuse := func(key, word string) error {
		return &Refusal{Code: ResultUsage, Key: "refusal.unknown." + key, Args: i18n.Args{"Word": shown(word), "Servers": serverNames(servers)}}
	}
	if _, err := path.Match(l.filter.Owner, ""); err != nil {
		return refuse("owner", l.filter.Owner)
	}
	if s := l.filter.Server; s != "" && !slices.ContainsFunc(servers, func(x reports.Server) bool { return l.filter.HasServer(x.Name) }) {
		return refuse("server", s)
	}
	if c := l.filter.Cause; c != "" && !slices.ContainsFunc(checks.Codes(), func(x checks.Code) bool {
		return string(x) == c || strings.HasPrefix(string(x), c+".")
	}) {
		return refuse("cause", c)
	}
	return nil
}

func serverNames(servers []reports.Server) []string {
	names := make([]string, len(servers))
	for i, s := range servers {
		names[i] = s.Name
	}
	return names
}
