package ispmanager

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"
	"time"
)

// The rows of a table are in the leaf pages of its b-tree and nowhere else
// (https://www.sqlite.org/fileformat2.html#b_tree_pages), so that rows whose
// page is the same as before are the same as before, whatever was written to
// the file. Comparing a page costs a tenth of reading its rows, for which a
// writer would have to wait.
//
// Pages come through SQLite, which also finds those in a write-ahead log. Of
// each only a mark is kept.

const (
	pagesAtOnce = 128     // in one statement: takes about 0.5 ms
	mostPages   = 1 << 17 // leaves of a table; more are those of a damaged file
	walks       = 12      // levels of a tree that are read at most, again because of a writer or not
)

// tree is the b-tree of a table as far as it leads to its leaves. The leaves'
// content is not part of it.
type tree struct {
	inner  []innerPage
	leaves []child // in the order of their keys
}

// innerPage is a page that leads to others.
type innerPage struct {
	number uint32
	mark   uint64
}

// child is a page with the highest key that it may have.
type child struct {
	number uint32
	last   int64
}

// spans returns the table's leaves, several together, as ranges of keys, each with a mark of what
// is in it. All keys are in one of them. It returns none if they cannot be told,
// as of a view.
//
// The marks are of the state of the file at most as new as the rows that are
// read afterwards, so that a write in between is seen the next time.
func (f *file) spans(ctx context.Context, t *table, old []chunk) ([]span, error) {
	if t.root == 0 {
		return nil, nil
	}
	whole := &tree{leaves: []child{{t.root, math.MaxInt64}}}
	known := f.trees[t.root]
	if known == nil {
		known = whole
	}
	for range walks {
		level, err := f.readLevel(ctx, known)
		if err != nil {
			return nil, fmt.Errorf("reading the pages of %s: %w", t.name, err)
		}
		switch {
		case level.odd || len(level.children) > mostPages:
			return nil, nil
		case level.moved:
			known = whole
		case len(level.children) > 0:
			known = &tree{append(known.inner, level.inner...), level.children}
		default:
			f.trees[t.root] = known
			return joined(level.spans, old), nil
		}
	}
	return nil, nil
}

// level is what a tree's lowest known pages are.
type level struct {
	moved    bool // the tree is not as it was known
	odd      bool // the pages are not as they should be
	spans    []span
	inner    []innerPage
	children []child
}

// readLevel reads the lowest known pages of a tree, and makes sure with each
// statement that what leads to them is still as it was known.
func (f *file) readLevel(ctx context.Context, known *tree) (l level, err error) {
	after := int64(math.MinInt64)
	for from := 0; from < len(known.leaves) && !l.moved && !l.odd; from += pagesAtOnce {
		if err := f.breathe(ctx); err != nil {
			return l, err
		}
		batch := known.leaves[from:min(from+pagesAtOnce, len(known.leaves))]
		n := 0
		err := f.pages(ctx, known.inner, batch, func(page []byte) {
			switch at := n - 1 - len(known.inner); {
			case n == 0:
				f.usable, l.odd = header(page, f.schema)
			case at < 0:
				l.moved = l.moved || maphash.Bytes(f.seed, page) != known.inner[n-1].mark
			default:
				l.add(page, f, batch[at], after)
				after = batch[at].last
			}
			n++
		})
		if err != nil {
			return l, err
		}
		l.moved = l.moved || n != 1+len(known.inner)+len(batch)
	}
	l.moved = l.moved || len(l.spans) > 0 && len(l.children) > 0 // all leaves are at the same depth
	return l, nil
}

// pages passes on the first page of the file and then those of a tree, all of
// one state of the file.
func (f *file) pages(ctx context.Context, inner []innerPage, leaves []child, each func(page []byte)) error {
	begun := time.Now()
	defer func() { f.worked += time.Since(begun) }()
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	// CROSS JOIN keeps the order of the list.
	stmt, err := f.prepared(ctx, //nolint:sqlclosecheck // it is kept for the next reading, and closed with the file
		"SELECT p.data FROM json_each(?) n CROSS JOIN sqlite_dbpage p ON p.pgno = n.value")
	if err != nil {
		return err
	}
	list := []byte("[1")
	for _, p := range inner {
		list = strconv.AppendUint(append(list, ','), uint64(p.number), 10)
	}
	for _, p := range leaves {
		list = strconv.AppendUint(append(list, ','), uint64(p.number), 10)
	}
	rows, err := stmt.QueryContext(ctx, string(append(list, ']')))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	var page sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&page); err != nil {
			return err
		}
		each(page)
	}
	return rows.Err()
}

// header reads the file's header
// (https://www.sqlite.org/fileformat2.html#the_database_header): how many bytes
// of a page are used. It is odd if the tables have been changed since they were
// looked up.
func header(page []byte, schema int64) (usable int, odd bool) {
	if len(page) < 100 {
		return 0, true
	}
	return len(page) - int(page[20]), int64(int32(binary.BigEndian.Uint32(page[40:]))) != schema
}

// Types of b-tree pages of tables with a rowid.
const (
	interiorPage = 5
	leafPage     = 13
)

// add takes a page with the keys in (after, c.last].
func (l *level) add(page []byte, f *file, c child, after int64) {
	if len(page) < f.usable || len(page) < 100 {
		l.odd = true
		return
	}
	switch page[0] {
	case interiorPage:
		l.inner = append(l.inner, innerPage{c.number, maphash.Bytes(f.seed, page)})
		children, ok := childrenOf(page, c.last)
		l.children, l.odd = append(l.children, children...), l.odd || !ok
	case leafPage:
		s := span{after: after, last: c.last}
		if spills, ok := spills(page, f.usable); ok && !spills {
			s.mark = max(1, maphash.Bytes(f.seed, page))
		}
		l.spans = append(l.spans, s)
	default: // reused for something else
		l.moved = true
	}
}

// childrenOf reads an interior page: each cell has a page and the highest key in
// it, and the last page has the rest.
func childrenOf(page []byte, last int64) ([]child, bool) {
	const cells = 12 // where the pointers to the cells begin
	n := int(binary.BigEndian.Uint16(page[3:]))
	if cells+2*n > len(page) {
		return nil, false
	}
	children := make([]child, 0, n+1)
	for i := range n {
		at := int(binary.BigEndian.Uint16(page[cells+2*i:]))
		if at+4 > len(page) {
			return nil, false
		}
		key, size := varint(page[at+4:])
		if size == 0 {
			return nil, false
		}
		children = append(children, child{binary.BigEndian.Uint32(page[at:]), int64(key)})
	}
	return append(children, child{binary.BigEndian.Uint32(page[8:]), last}), true
}

// spills reports whether a row of a leaf has a part in other pages, which the
// mark of this one does not cover.
func spills(page []byte, usable int) (spills, ok bool) {
	const cells = 8 // where the pointers to the cells begin
	n := int(binary.BigEndian.Uint16(page[3:]))
	if cells+2*n > len(page) {
		return false, false
	}
	for i := range n {
		at := int(binary.BigEndian.Uint16(page[cells+2*i:]))
		if at >= len(page) {
			return false, false
		}
		payload, size := varint(page[at:])
		if size == 0 {
			return false, false
		}
		if payload > uint64(usable-35) {
			return true, true
		}
	}
	return false, true
}

// varint reads a number as SQLite's files have it: up to nine bytes, the highest
// bits first. Its size is zero if the text ends before it.
func varint(text []byte) (n uint64, size int) {
	for i, b := range text {
		if i == 8 {
			return n<<8 | uint64(b), 9
		}
		n = n<<7 | uint64(b&0x7f)
		if b < 0x80 {
			return n, i + 1
		}
	}
	return 0, 0
}
