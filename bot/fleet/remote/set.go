package remote

import (
	"fmt"
	"strconv"
	"time"

	"domovoy/bot/fleet"
	"domovoy/checks"
)

// set is the facts of one epoch of a panel.
type set struct {
	panel  string
	sites  table[int64, checks.Site]
	certs  table[int64, checks.Certificate]
	files  table[string, fleet.File]
	values table[int64, []checks.Unreadable]
	about  table[string, fleet.About]

	count  int          // facts that are live
	digest fleet.Digest // over them
}

// put takes a fact. Empty data: it is gone.
func (s *set) put(f fleet.Fact, data []byte) error {
	var sum fleet.Digest
	if len(data) > 0 {
		sum = fleet.Sum(f.Subject(), data)
	}
	was, err := s.take(f, sum, data)
	if err != nil {
		return err
	}
	if was == sum {
		return nil
	}
	if was != (fleet.Digest{}) {
		s.digest.Toggle(was)
		s.count--
	}
	if sum != (fleet.Digest{}) {
		s.digest.Toggle(sum)
		s.count++
	}
	return nil
}

// take puts a fact into the table of its kind.
func (s *set) take(f fleet.Fact, sum fleet.Digest, data []byte) (was fleet.Digest, err error) {
	gone := len(data) == 0
	number := int64(0)
	if f.Kind == fleet.KindSite || f.Kind == fleet.KindCert || f.Kind == fleet.KindValues {
		name, _ := fleet.ParseID(f.ID)
		if number, err = strconv.ParseInt(name, 10, 64); err != nil {
			return was, fmt.Errorf("%w: the subject has no number", fleet.ErrRecord)
		}
	}
	switch f.Kind {
	case fleet.KindSite:
		var x fleet.Site
		if !gone {
			if x, err = fleet.DecodeSite(data); err != nil {
				return was, err
			}
		}
		if !gone && x.ID != number {
			return was, errOther
		}
		return s.sites.put(number, sum, x.Of(s.panel)), nil
	case fleet.KindCert:
		var x fleet.Certificate
		if !gone {
			if x, err = fleet.DecodeCertificate(data); err != nil {
				return was, err
			}
		}
		if !gone && x.ID != number {
			return was, errOther
		}
		return s.certs.put(number, sum, x.Of(s.panel, time.UTC)), nil
	case fleet.KindFile:
		var x fleet.File
		if !gone {
			if x, err = fleet.DecodeFile(data); err != nil {
				return was, err
			}
		}
		if !gone && fleet.LongID(x.Key) != f.ID {
			return was, errOther
		}
		return s.files.put(f.ID, sum, x), nil
	case fleet.KindValues:
		var x fleet.Values
		if !gone {
			if x, err = fleet.DecodeValues(data); err != nil {
				return was, err
			}
		}
		return s.values.put(number, sum, x.Values), nil
	case fleet.KindAbout:
		var x fleet.About
		if !gone {
			if x, err = fleet.DecodeAbout(data); err != nil {
				return was, err
			}
		}
		return s.about.put(f.ID, sum, x), nil
	}
	return was, fmt.Errorf("%w: unknown kind %s", fleet.ErrRecord, f.Kind)
}

// errOther is the error of a fact that is about something else than its subject.
var errOther = fmt.Errorf("%w: it is about something else than its subject", fleet.ErrRecord)

// fits reports whether the set is what a state says that there is.
func (s *set) fits(x fleet.State) bool { return s.count == x.Facts && s.digest == x.Digest }

// commit makes the set complete, and returns whether anything is new and which
// files are.
func (s *set) commit(zone *time.Location) (changed bool, files []string) {
	texts := shared{}
	sites := s.sites.commit(func(x *checks.Site) {
		x.Name, x.Owner, x.Certificate, x.Node = texts.of(x.Name), texts.of(x.Owner), texts.of(x.Certificate), texts.of(x.Node)
	})
	certs := s.certs.commit(func(c *checks.Certificate) {
		c.Name, c.Domain, c.Owner = texts.of(c.Name), texts.of(c.Domain), texts.of(c.Owner)
		if !c.Started.IsZero() {
			c.Started = c.Started.In(zone)
		}
	})
	files = s.files.commit(func(*fleet.File) {})
	values := s.values.commit(func(*[]checks.Unreadable) {})
	about := s.about.commit(func(*fleet.About) {})
	return len(sites)+len(certs)+len(files)+len(values)+len(about) > 0, files
}

// shared are texts that are kept once: a certificate has the names of its site, and an
// owner has many of both.
type shared map[string]string

func (s shared) of(text string) string {
	if known, ok := s[text]; ok {
		return known
	}
	s[text] = text
	return text
}

// snapshot is what a local reading of the panel would have given.
func (s *set) snapshot(x fleet.State, zone *time.Location) checks.Snapshot {
	all := checks.Snapshot{Server: s.panel, Taken: x.Taken.Time, Sites: s.sites.values, Certificates: s.certs.values,
		Addresses: x.Addresses, Nodes: x.Nodes, Options: x.Options, NodesBy: x.NodesBy, Missing: x.Missing, UnreadableN: x.UnreadableN, Rows: x.Rows, Writes: x.Writes}
	if !all.Taken.IsZero() {
		all.Taken = all.Taken.In(zone)
	}
	for _, part := range s.values.values {
		all.Unreadable = append(all.Unreadable, part...)
	}
	return all
}
