package dns

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
	"domovoy/checks/pace"
)

// conversation asks the resolver about one name, and records questions and
// answers as evidence.
type conversation struct {
	*Inspector
	asked []Query
	said  []Result
}

// ask asks the resolver and records the answers.
func (c *conversation) ask(ctx context.Context, queries ...Query) []Result {
	said := c.resolver.AskAll(ctx, queries)
	if c.asked == nil {
		c.asked, c.said = queries, said
		return said
	}
	c.asked, c.said = slices.Concat(c.asked, queries), slices.Concat(c.said, said)
	return said
}

// settled asks questions, and those that failed again: at once, of another
// server if there is one, and after a pause. One SERVFAIL says nothing: a
// resolver gives it for its own troubles as well.
func (c *conversation) settled(ctx context.Context, queries []Query) []Result {
	said := c.ask(ctx, queries...)
	for round := range 2 {
		var failed []int
		for i, r := range said {
			clear := round > 0 && slices.ContainsFunc(r.Answer.Errors, signature) // asking again would show nothing new
			if r.says(mdns.RcodeServerFailure) && !clear {
				failed = append(failed, i)
			}
		}
		if len(failed) == 0 || round > 0 && pace.Until(ctx, time.Now().Add(c.options.Pause)) != nil {
			break
		}
		again := make([]Query, len(failed))
		for n, i := range failed {
			again[n] = queries[i]
		}
		said = slices.Clone(said) // the first answers stay as evidence
		for n, r := range c.askOther(ctx, again, said[failed[0]].Answer.Server) {
			if !r.says(mdns.RcodeServerFailure) { // the first failure gives the reason at length, later ones from a cache
				said[failed[n]] = r
			}
		}
	}
	return said
}

// askOther asks another server than the given one, and records the answers.
func (c *conversation) askOther(ctx context.Context, queries []Query, than netip.AddrPort) []Result {
	said := c.resolver.AskOther(ctx, queries, than)
	c.asked, c.said = slices.Concat(c.asked, queries), slices.Concat(c.said, said)
	return said
}

// detail lists every question with its answer for an expert, one a line. A
// question that was asked again with the same answer is one line with the number
// of times.
func (c *conversation) detail() string {
	var lines []string
	times := map[string]int{}
	for i := range c.asked {
		line := c.line(i)
		if times[line]++; times[line] == 1 {
			lines = append(lines, line)
		}
	}
	for i, line := range lines {
		if n := times[line]; n > 1 {
			lines[i] = fmt.Sprintf("%s (%d times)", line, n)
		}
	}
	return checks.Bound(strings.Join(lines, "\n"))
}

// line is the i-th question with its answer.
func (c *conversation) line(i int) string {
	var b strings.Builder
	q := c.asked[i]
	fmt.Fprintf(&b, "%s %s", q.Name, mdns.Type(q.Type))
	if q.CD {
		b.WriteString(" +cd")
	}
	b.WriteString(": ")
	if err := c.said[i].Err; err != nil {
		b.WriteString(checks.Clean(err.Error(), maxText))
	} else {
		b.WriteString(c.said[i].Answer.line())
	}
	return strings.TrimSpace(b.String())
}
