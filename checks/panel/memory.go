package panel

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"domovoy/checks"
)

// Reasons why a panel that could be read is not believed; each has a text under
// "trouble.".
const (
	ReasonShrunk   = "shrunk"   // a table lost most of its rows
	ReasonReplaced = "replaced" // the sites are others: another panel's database
	ReasonOlder    = "older"    // a database of an earlier time was put back
	reasonShape    = "shape"    // it has no sites at all any more: as of a database that is not a panel's
)

// Reasons lists them.
func Reasons() []string { return []string{ReasonShrunk, ReasonReplaced, ReasonOlder} }

// Memory is what is remembered of a reading, to tell a panel that changed from
// one that lost its data. It is stored as JSON.
type Memory struct {
	Rows    map[string]int   `json:"rows"`    // by table
	Names   []uint64         `json:"names"`   // a sample of the sites: the smallest hashes of their names, ascending
	Writes  int64            `json:"writes"`  // of the database; 0: not known
	Row     int64            `json:"row"`     // the highest of the issuance log; 0: it is empty
	Latest  []Start          `json:"latest"`  // the certificates whose issuing began last, newest first
	Missing []checks.Missing `json:"missing"` // tables and columns that the panel never had

	certificates []checks.Certificate // of the reading; not stored
}

// Start is when the issuing of a certificate last began.
type Start struct {
	Name string    `json:"name"` // of the certificate
	At   time.Time `json:"at"`
}

// latestKept is how many certificates are remembered as those begun last.
const latestKept = 16

// MemoryOf makes the memory of a reading. newest is the highest row of its
// issuance log.
func MemoryOf(s checks.Snapshot, newest int64) Memory { return new(Sampler).MemoryOf(s, newest) }

// Sampler makes the memories of one reading after the other. The zero Sampler has made
// none.
type Sampler struct {
	sites []checks.Site
	names []uint64 // their sample
}

// MemoryOf does not sample sites again that the snapshot shares with the one before.
func (r *Sampler) MemoryOf(s checks.Snapshot, newest int64) Memory {
	if n := len(s.Sites); n == 0 || n != len(r.sites) || &s.Sites[0] != &r.sites[0] {
		r.sites, r.names = s.Sites, sample(s.Sites)
	}
	m := Memory{Rows: s.Rows, Writes: s.Writes, Row: newest, Missing: s.Missing, Names: r.names,
		Latest: latest(s.Certificates), certificates: s.Certificates}
	if m.Rows == nil {
		m.Rows = map[string]int{tableSites: len(s.Sites), tableCertificates: len(s.Certificates)}
	}
	return m
}

// latest returns the certificates whose issuing began last.
func latest(certificates []checks.Certificate) []Start {
	newest := func(a, b Start) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Name, b.Name)) }
	l := least[Start]{size: latestKept, compare: newest}
	for i := range certificates {
		if c := &certificates[i]; c.Name != "" && !c.Started.IsZero() {
			l.add(Start{c.Name, c.Started})
		}
	}
	return l.sorted()
}

// least keeps the least values of many, as many as its size.
type least[T any] struct {
	size    int
	compare func(a, b T) int
	kept    []T
	full    bool // kept has the least ones so far, sorted, and then others
}

func (l *least[T]) add(v T) {
	if l.full && l.compare(v, l.kept[l.size-1]) >= 0 {
		return
	}
	if l.kept = append(l.kept, v); len(l.kept) >= 2*l.size {
		l.sorted()
	}
}

// sorted returns the values, the least first.
func (l *least[T]) sorted() []T {
	slices.SortFunc(l.kept, l.compare)
	l.kept = l.kept[:min(l.size, len(l.kept))]
	l.full = len(l.kept) == l.size
	return slices.Clone(l.kept)
}

// Certificates counts those of the names that the reading has; all of them where
// it has no names.
func (m Memory) Certificates(names []string) int {
	wanted, named, n := map[string]bool{}, false, 0
	for _, name := range names {
		wanted[name] = true
	}
	for i := range m.certificates {
		name := m.certificates[i].Name
		named = named || name != ""
		if wanted[name] {
			n++
			delete(wanted, name)
		}
	}
	if !named {
		return len(names)
	}
	return n
}

// earlier counts the remembered certificates that are still there, and whose
// issuing now began before it did. If all of them moved by the same time, the zone
// in which the panel's dates are read was changed.
func (m Memory) earlier(now Memory) int {
	was := map[string]time.Time{}
	for _, c := range m.Latest {
		was[c.Name] = c.At
	}
	n, moved := 0, map[time.Duration]bool{}
	for i := range now.certificates {
		c := &now.certificates[i]
		at, remembered := was[c.Name]
		if !remembered || c.Started.IsZero() {
			continue
		}
		moved[c.Started.Sub(at)] = true
		if c.Started.Before(at) {
			n++
		}
	}
	if len(moved) == 1 {
		return 0
	}
	return n
}

// sampleSize is how many names are kept of a panel: a share of them that is
// half of all is then known to within a tenth.
const sampleSize = 256

// sample returns the smallest hashes of the sites' names. Which names these are
// depends on the names alone, so that the same ones are looked for again, and is
// as good as random.
func sample(sites []checks.Site) []uint64 {
	l := least[uint64]{size: sampleSize, compare: cmp.Compare[uint64]}
	for i := range sites {
		l.add(hashOf(sites[i].Name))
	}
	return slices.Compact(l.sorted())
}

// hashOf is FNV-1a, with its bits mixed so that the smallest hashes are spread
// evenly (the finalizer of MurmurHash3).
func hashOf(name string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	n := uint64(offset)
	for i := range len(name) {
		n = (n ^ uint64(name[i])) * prime
	}
	n ^= n >> 33
	n *= 0xff51afd7ed558ccd
	n ^= n >> 33
	n *= 0xc4ceb9fe1a85ec53
	return n ^ n>>33
}

// Doubt is why a reading is not believed.
type Doubt struct {
	Reason  string // empty: there is none
	Table   string // that lost its rows; else empty
	Was, Is int64  // rows, sites of the sample, writes or the log's last row
}

// A table lost its rows when more than half of them went between two readings.
// A hoster deletes customers one by one, and moves hundreds at most within
// minutes; a module that is unloaded, a failed import or a new database lose
// all, or nearly all. Below twenty rows a half is a few customers, so that only
// the loss of all is one.
const (
	manyRows  = 20
	leastRows = 3
)

// needed reports whether a panel in use never empties a table, however few rows they
// have: its users and its addresses.
func needed(table string) bool { return table == "users" || table == "ipaddr" }

// Doubt says whether what is read now can come from the panel that is
// remembered. owners is to how many certificates that are still there the rows
// belong that the log had and has no more at its end: the rows of others went
// with their sites.
func (m Memory) Doubt(now Memory, owners int) Doubt {
	if was := m.Rows[tableSites]; was >= leastRows && lacksTable(now, tableSites) {
		return Doubt{Reason: reasonShape, Table: tableSites, Was: int64(was)}
	}
	for _, table := range slices.Sorted(maps.Keys(m.Rows)) {
		was, is := m.Rows[table], now.Rows[table]
		if lost(was, is, needed(table)) && !lacksTable(now, table) {
			return Doubt{Reason: ReasonShrunk, Table: table, Was: int64(was), Is: int64(is)}
		}
	}
	if was, is := m.kept(now); lost(was, is, false) {
		return Doubt{Reason: ReasonReplaced, Was: int64(was), Is: int64(is)}
	}
	return m.turnedBack(now, owners)
}

func lost(was, is int, needed bool) bool {
	if is == 0 {
		return was >= leastRows || needed && was > 0
	}
	return was >= manyRows && 2*is < was
}

// lacksTable reports whether a table is gone, or without the columns for which
// it is read: that is reported as such. Rows has no entry of the log.
func lacksTable(now Memory, table string) bool {
	_, read := now.Rows[table]
	return table != tableLog && !read || checks.Snapshot{Missing: now.Missing}.Lacks(table, "")
}

// kept returns how many of the sampled sites there were, and how many of them
// are still there. Of a larger panel the sample has smaller hashes, so that only
// those that both samples would have are compared.
func (m Memory) kept(now Memory) (was, is int) {
	limit := ^uint64(0)
	if len(now.Names) == sampleSize {
		limit = now.Names[sampleSize-1]
	}
	for _, h := range m.Names {
		if h > limit {
			break
		}
		was++
		if _, ok := slices.BinarySearch(now.Names, h); ok {
			is++
		}
	}
	return was, is
}

// turnedBack finds a database of an earlier time: it counts fewer writes, its log
// ends earlier, or certificates began to be issued earlier than they did. A log
// that went on says that the panel did, too, and its counter started again: the file
// is a copy that is made again and again.
func (m Memory) turnedBack(now Memory, owners int) Doubt {
	switch {
	case m.Writes > 0 && now.Writes > 0 && now.Writes < m.Writes && now.Row <= m.Row:
		return Doubt{Reason: ReasonOlder, Was: m.Writes, Is: now.Writes}
	case now.Row < m.Row && !lacksTable(now, tableLog) && lost(int(m.Row), int(now.Row), false):
		return Doubt{Reason: ReasonShrunk, Table: tableLog, Was: m.Row, Is: now.Row}
	case now.Row < m.Row && !lacksTable(now, tableLog) && owners >= leastRows:
		return Doubt{Reason: ReasonOlder, Was: m.Row, Is: now.Row}
	}
	if n := m.earlier(now); n >= leastRows {
		return Doubt{Reason: ReasonOlder, Was: int64(len(m.Latest)), Is: int64(len(m.Latest) - n)}
	}
	return Doubt{}
}

// never reports whether the panel never had a table or column.
func (m Memory) never(x checks.Missing) bool {
	return checks.Snapshot{Missing: m.Missing}.Lacks(x.Table, x.Column)
}

// Lost returns what the panel had once and lacks now.
func (m Memory) Lost(now Memory) []checks.Missing {
	var lost []checks.Missing
	for _, x := range now.Missing {
		if !m.never(x) {
			lost = append(lost, x)
		}
	}
	return lost
}

// Next is the memory after a reading that is believed: what the panel has had
// once stays known, and a table that is gone keeps its number of rows.
func (m Memory) Next(now Memory) Memory {
	next := now
	next.Missing = nil
	for _, x := range now.Missing {
		if m.never(x) {
			next.Missing = append(next.Missing, x)
		}
	}
	next.Rows = map[string]int{}
	for table, n := range m.Rows {
		if lacksTable(now, table) {
			next.Rows[table] = n
		}
	}
	for table, n := range now.Rows {
		if !lacksTable(now, table) {
			next.Rows[table] = n
		}
	}
	return next
}
