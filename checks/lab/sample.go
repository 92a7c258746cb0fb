package lab

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Sample is a realistic panel of 2000 sites with every kind of problem; the
// same seed and time give the same rows.
type Sample struct {
	Panel        *Panel
	Certificates *Certificates
	Server       string // the panel's name in configurations
	builder      *builder
	sites        []*sampleSite
	served       map[string]*sampleSite // by name, in lower case as an A-label; a wildcard's begins with "*."
	reissued     []*sampleSite          // sites of the mass re-issue that has not been settled
	reissuedAt   time.Time
}

// builder generates a sample's parts, all from one random source.
type builder struct {
	rng      *rand.Rand
	now      time.Time
	namer    *namer
	problems *problems
	owners   []string
	shares   []float64         // cumulative shares of the owners in the sites
	owned    map[string]string // owner by name, so far
	fine     int               // number of sites so far whose condition is "fine"
	own      [2]string         // the server's IPv4 addresses
}

// NewSample builds the sample in dir: ispmgr.db and httpd-cert. Its dates are written in the zone of now.
func NewSample(dir string, now time.Time, seed uint64, variants ...Variant) (*Sample, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("building sample: %w", err)
	}
	b, err := newBuilder(now.Truncate(time.Second), seed)
	if err != nil {
		return nil, fmt.Errorf("building sample: %w", err)
	}
	certificates, err := NewCertificates(filepath.Join(dir, "httpd-cert"))
	if err != nil {
		return nil, fmt.Errorf("building sample: %w", err)
	}
	panel, err := NewPanel(filepath.Join(dir, "ispmgr.db"), append([]Variant{WithZone(now.Location())}, variants...)...)
	if err != nil {
		return nil, fmt.Errorf("building sample: %w", err)
	}
	b.own = panel.layout.addresses
	s := &Sample{Panel: panel, Certificates: certificates, Server: "isp1", builder: b}
	if err := s.build(); err != nil {
		return nil, fmt.Errorf("building sample: %w", errors.Join(err, panel.Close()))
	}
	return s, nil
}

func newBuilder(now time.Time, seed uint64) (*builder, error) {
	b := &builder{rng: rand.New(rand.NewPCG(seed, 0x15b)), now: now, owned: map[string]string{}}
	var err error
	if b.namer, err = newNamer(b.rng); err != nil {
		return nil, err
	}
	if b.problems, err = newProblems(b.rng); err != nil {
		return nil, err
	}
	_, lines, err := sections("owners.txt")
	if err != nil {
		return nil, err
	}
	b.owners = lines[""]
	sum := 0.0
	for rank := range b.owners { // Zipf: a few owners have hundreds of sites
		sum += 1 / math.Pow(float64(rank+1), 0.9)
		b.shares = append(b.shares, sum)
	}
	return b, nil
}

// owner chooses the owner of a name; a subdomain has the owner of its parent.
func (b *builder) owner(name string) string {
	dice := b.rng.Float64() * b.shares[len(b.shares)-1]
	rank, _ := slices.BinarySearch(b.shares, dice)
	owner := b.owners[rank]
	if _, parent, _ := strings.Cut(name, "."); b.owned[parent] != "" {
		owner = b.owned[parent]
	}
	b.owned[name] = owner
	return owner
}

func (s *Sample) build() error {
	conditions, err := shuffledConditions(s.builder.rng)
	if err != nil {
		return err
	}
	s.served = map[string]*sampleSite{}
	for i, c := range conditions {
		h := s.builder.site(i, c)
		s.sites = append(s.sites, h)
		if h.site.Secure && h.site.Active && h.site.Certificate != "" && h.condition.hasSite() {
			for _, name := range append([]string{h.site.Name}, h.site.Aliases...) {
				s.served[ascii(name)] = h
			}
		}
	}
	if err := s.Panel.Transaction(s.fill); err != nil {
		return err
	}
	return s.writeFiles(s.sites)
}

// writeFiles writes the sites' certificates, several concurrently because some
// disks are slow.
func (s *Sample) writeFiles(sites []*sampleSite) error {
	if s.Panel.layout.bare {
		return nil
	}
	var group errgroup.Group
	group.SetLimit(8)
	for _, h := range sites {
		if h.condition.file != "-" {
			group.Go(func() error { return s.Certificates.Write(h.file(h.issued)) })
		}
	}
	return group.Wait()
}

func (s *Sample) fill() error {
	for _, address := range []string{s.builder.own[0], sampleIPv6, s.builder.own[1]} {
		if err := s.Panel.AddAddress(address); err != nil {
			return err
		}
	}
	for _, owner := range s.builder.owners {
		if _, err := s.Panel.AddOwner(owner); err != nil {
			return err
		}
	}
	var log []Attempt
	for _, h := range s.sites {
		attempts := s.builder.attempts(h)
		log = append(log, attempts...)
		if err := s.add(h, attempts); err != nil {
			return err
		}
	}
	for _, owner := range s.builder.owners[len(s.builder.owners)-3:] {
		if err := s.Panel.SuspendOwner(owner); err != nil {
			return err
		}
	}
	return s.addLog(log)
}

// add writes a site and its certificate row, if it has one.
func (s *Sample) add(h *sampleSite, attempts []Attempt) error {
	if h.condition.hasSite() {
		if _, err := s.Panel.AddSite(h.site); err != nil {
			return err
		}
	}
	if h.condition.record == "-" {
		return nil
	}
	var last time.Time
	for _, a := range attempts {
		if a.At.After(last) {
			last = a.At
		}
	}
	row := h.condition.certificate(s.builder.rng, h.issued, last, s.builder.now)
	row.Name, row.Domain, row.Owner = h.site.Certificate, h.site.Name, h.site.Owner
	_, err := s.Panel.AddCertificate(row)
	return err
}

// addLog writes attempts in order of time, as the panel does, so that ids grow
// with dates.
func (s *Sample) addLog(log []Attempt) error {
	slices.SortStableFunc(log, func(a, b Attempt) int {
		if byTime := a.At.Compare(b.At); byTime != 0 {
			return byTime
		}
		return strings.Compare(a.Certificate, b.Certificate)
	})
	for _, a := range log {
		if _, err := s.Panel.AddAttempt(a); err != nil {
			return err
		}
	}
	return nil
}

// Counts counts the panel at the given time.
func (s *Sample) Counts(now time.Time) (Counts, error) { return s.Panel.Counts(now) }

// Close ends writing; the files are kept.
func (s *Sample) Close() error { return s.Panel.Close() }

// GivenUp returns the names of sites whose certificates the panel gave up.
func (s *Sample) GivenUp() []string {
	var names []string
	for _, h := range s.sites {
		if h.condition.record == "failed" && h.condition.hasSite() {
			names = append(names, h.site.Name)
		}
	}
	return names
}
