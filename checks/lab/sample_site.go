package lab

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// sampleSite is a site of the sample with its condition.
type sampleSite struct {
	site      Site
	condition condition
	issued    time.Time    // when its certificate file was made
	lasting   *siteProblem // why each attempt fails; nil: none failed for long
	failing   time.Time    // the first failure in its log; zero: none
	moved     Trouble      // of a site whose certificate is fine: its next attempt will fail; empty: it will not
}

// The sample's own addresses; nearly all sites have one of the first two. See
// WithAddresses.
const (
	sampleIPv4  = "203.0.113.10"
	sampleIPv6  = "2001:db8::10"
	sampleIPv4b = "203.0.113.11"
)

// movedAway is the prefix of addresses that the panel has for sites that were
// moved by hand, or have a proxy in front.
const movedAway = "198.51.100."

// site generates site number i.
func (b *builder) site(i int, c condition) *sampleSite {
	h := &sampleSite{condition: c, issued: c.issued(b.rng, b.now)}
	h.site = Site{Active: c.active(), Secure: c.secure(), RedirectHTTP: c.secure() && !b.plain(c), Addresses: b.addresses()}
	switch name := ""; i % 66 {
	case 7: // shown in Russian letters
		h.site.Name = b.namer.cyrillic()
	case 40: // the forms are swapped
		name = b.namer.cyrillic()
		h.site.Name, h.site.NameIDN = ascii(name), name
	default:
		h.site.Name = b.namer.ascii()
	}
	h.site.Owner = b.owner(h.site.Name)
	h.site.Aliases = b.aliases(h.site.Name)
	h.site.Certificate = b.certificateName(h)
	h.moved = moved(h)
	return h
}

// plain chooses 90 of the 1500 fine sites to have no redirect; with the 110
// sites without TLS they are 200.
func (b *builder) plain(c condition) bool {
	if c.name != "fine" {
		return false
	}
	b.fine++
	return b.fine*90/1500 > (b.fine-1)*90/1500
}

func (b *builder) addresses() []string {
	switch dice := b.rng.IntN(100); {
	case dice < 62:
		return []string{b.own[0]}
	case dice < 92:
		return []string{b.own[0], sampleIPv6}
	case dice < 97:
		return []string{b.own[1]}
	default: // moved away by hand, or a proxy in front
		return []string{fmt.Sprintf("%s%d", movedAway, 100+b.rng.IntN(20))}
	}
}

func (b *builder) aliases(name string) []string {
	var aliases []string
	if b.rng.IntN(100) < 85 {
		aliases = append(aliases, "www."+name)
	}
	switch dice := b.rng.IntN(100); {
	case dice < 2:
		aliases = append(aliases, "*."+name)
	case dice < 6:
		aliases = append(aliases, b.namer.ascii())
	}
	return aliases
}

// certificateName follows the panel's convention: the site's name and _le1,
// _le2 … for Let's Encrypt.
func (b *builder) certificateName(h *sampleSite) string {
	switch {
	case h.condition.file == "-" && h.condition.record == "-":
		return ""
	case h.condition.file == "bought":
		return fmt.Sprintf("%s_%d", strings.ReplaceAll(h.site.Name, ".", "_"), h.issued.Year())
	case h.condition.selfMade():
		return h.site.Name
	default:
		return fmt.Sprintf("%s_le%d", h.site.Name, 1+max(0, b.rng.IntN(6)-3))
	}
}

// file returns the site's certificate if it is issued at a time; as with Let's
// Encrypt it is valid from an hour before.
func (h *sampleSite) file(at time.Time) File {
	kind, life := h.condition.kind()
	names := []string{ascii(h.site.Name)}
	for _, alias := range h.site.Aliases {
		names = append(names, ascii(alias))
	}
	start := at.Add(-time.Hour)
	return File{Owner: h.site.Owner, Name: h.site.Certificate, Names: names, NotBefore: start, NotAfter: start.Add(life - time.Second), Kind: kind}
}

// attempts returns the issuance log of a site.
func (b *builder) attempts(h *sampleSite) []Attempt {
	const day = 24 * time.Hour
	switch h.condition.log {
	case "issued":
		return []Attempt{h.success(h.issued)}
	case "flaky":
		var log []Attempt
		for i := range 1 + b.rng.IntN(3) {
			at := h.issued.Add(-time.Duration(i+1) * 20 * time.Minute)
			log = append(log, b.failure(h, b.problems.of(h.site, b.problems.nextPassing()), at))
		}
		return append(log, h.success(h.issued))
	case "failing":
		return b.daily(h, b.now.Add(-within(b.rng, 10*time.Minute, day)), false)
	case "lately":
		return b.daily(h, b.now.Add(-within(b.rng, 5*time.Hour, day)), true)
	case "retrying":
		lasting, log := b.lasting(h), []Attempt(nil)
		for ago := within(b.rng, 2*time.Minute, 30*time.Minute); ago < 20*time.Hour; ago += 50 * time.Minute {
			log = append(log, b.failure(h, lasting, b.now.Add(-ago)))
		}
		return log
	default:
		return nil
	}
}

// daily returns a failure for each day before the last one, and hourly failures
// on the first day: the panel waits a day for the name to resolve. A renewal
// begins to fail when its certificate is 60 days old; the log goes back that
// far.
func (b *builder) daily(h *sampleSite, last time.Time, again bool) []Attempt {
	lasting := b.lasting(h)
	days := int(b.now.Sub(h.issued).Hours() / 24)
	if h.condition.file == string(Issued) {
		days -= 60
	}
	days = min(max(days, 2), 58)
	var log []Attempt
	for i := range days {
		log = append(log, b.failure(h, lasting, last.AddDate(0, 0, -i)))
	}
	for i := range 22 {
		log = append(log, b.failure(h, lasting, last.AddDate(0, 0, -days).Add(time.Duration(i)*time.Hour)))
	}
	if again {
		log = append(log, b.failure(h, lasting, b.now.Add(-within(b.rng, 10*time.Minute, 3*time.Hour))))
	}
	return log
}

func (h *sampleSite) success(at time.Time) Attempt {
	return Attempt{Certificate: h.site.Certificate, Status: StatusOK, At: at}
}

// lasting returns why the attempts of a site fail: always for the same reason.
func (b *builder) lasting(h *sampleSite) siteProblem {
	if h.lasting == nil {
		what, told := b.problems.lastingOf(h.moved)
		if h.moved == "" || !told {
			what = b.problems.nextLasting()
		}
		why := b.problems.of(h.site, what)
		if h.moved != "" { // it is so already
			why.domain, why.theirs = ascii(h.site.Name), h.theirs()
		}
		h.lasting = &why
	}
	return *h.lasting
}

func (b *builder) failure(h *sampleSite, t siteProblem, at time.Time) Attempt {
	if h.failing.IsZero() || at.Before(h.failing) {
		h.failing = at
	}
	return Attempt{Certificate: h.site.Certificate, Status: StatusFailed, At: at, Message: b.problems.message(t, at)}
}

// condition is a line of conditions.txt: a state, and how many of the sample's
// sites are in it.
type condition struct {
	name              string
	sites             int
	record, file, log string
	youngest, oldest  int // days since the file was issued
}

func conditions() ([]condition, error) {
	_, lines, err := sections("conditions.txt")
	if err != nil {
		return nil, err
	}
	var all []condition
	for _, line := range lines[""] {
		var c condition
		_, err := fmt.Sscanf(line, "%s %d %s %s %d-%d %s", &c.name, &c.sites, &c.record, &c.file, &c.youngest, &c.oldest, &c.log)
		if err != nil {
			return nil, fmt.Errorf("conditions.txt: %q: %w", line, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// shuffledConditions returns a condition for every site of the sample, in
// random order.
func shuffledConditions(rng *rand.Rand) ([]condition, error) {
	all, err := conditions()
	if err != nil {
		return nil, err
	}
	var each []condition
	for _, c := range all {
		for range c.sites {
			each = append(each, c)
		}
	}
	rng.Shuffle(len(each), func(i, j int) { each[i], each[j] = each[j], each[i] })
	return each, nil
}

func (c condition) active() bool   { return c.name != "inactive" && c.name != "parked" }
func (c condition) secure() bool   { return c.file != "-" || c.name == "noname" }
func (c condition) hasSite() bool  { return c.name != "orphan" }
func (c condition) selfMade() bool { return c.file == string(SelfSigned) && c.record == "-" }

// issued chooses the time at which the file was made.
func (c condition) issued(rng *rand.Rand, now time.Time) time.Time {
	days := c.youngest + rng.IntN(c.oldest-c.youngest+1)
	return now.Add(-time.Duration(days)*24*time.Hour - within(rng, 0, 24*time.Hour))
}

// kind returns the kind of file to write, and the lifetime of its certificate.
func (c condition) kind() (Kind, time.Duration) {
	const day = 24 * time.Hour
	switch c.file {
	case "bought":
		return Issued, 365 * day
	case string(SelfSigned):
		return SelfSigned, 365 * day
	default:
		return Kind(c.file), 90 * day
	}
}

// certificate returns the row in letsencrypt_ssl, without names; last is the
// time of the newest attempt, zero if there is none.
func (c condition) certificate(rng *rand.Rand, issued, last, now time.Time) Certificate {
	row := Certificate{Started: issued}
	switch c.record {
	case "failed":
		row.Failed, row.Started = true, last
	case "minutes":
		row.Processing, row.Started = true, now.Add(-within(rng, 2*time.Minute, 50*time.Minute))
	case "stuck":
		row.Processing, row.Started = true, now.Add(-30*time.Hour)
	case "both":
		row.Processing, row.Failed, row.Started = true, true, last
	case "null":
		row.Started = time.Time{}
	case "zero":
		row.StartedText = "0000-00-00 00:00:00"
	case "epoch":
		row.StartedText = fmt.Sprint(issued.Unix())
	case "future":
		row.Started = now.Add(40 * 24 * time.Hour)
	}
	return row
}

// within returns a random duration in whole seconds from [low, high).
func within(rng *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(rng.Int64N(int64((high-low)/time.Second)))*time.Second
}
