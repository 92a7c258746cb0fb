package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"domovoy/reports"
)

// openSet keeps the open incidents in memory. Half of ten thousand names may
// be in trouble, and a poll a second changes few of them: reading them all
// would be most of its work.
//
// Whatever this process writes goes through the one connection of the write
// pool, and tells it what it touched. For that connection data_version counts
// the commits of other processes only: after one of those all is read again.
type openSet struct {
	mu      sync.Mutex
	driver  any   // the connection that version was asked on
	version int64 // data_version; 0: nothing is known yet
	touched map[int64]bool
	kept    []reports.Incident // by ID; nobody else has it
}

// touch says that incidents were, or may have been, stored.
func (o *openSet) touch(ids []int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.touched == nil {
		o.touched = map[int64]bool{}
	}
	for _, id := range ids {
		o.touched[id] = true
	}
}

// OpenIncidents lists what is not over yet, oldest first.
func (j *Journal) OpenIncidents(ctx context.Context) ([]reports.Incident, error) {
	o := &j.open
	o.mu.Lock()
	defer o.mu.Unlock()
	// Asked for before reading: a commit in between is seen next time.
	driver, version, err := j.writerVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	if o.version == 0 || o.version != version || o.driver != driver {
		o.version = 0
		all, err := j.incidents(ctx, `resolved = 0 ORDER BY id`)
		if err != nil {
			return nil, err
		}
		o.driver, o.version, o.kept, o.touched = driver, version, all, nil
	}
	if len(o.touched) > 0 {
		if err := j.readTouched(ctx, o); err != nil {
			return nil, err
		}
	}
	return slices.Clone(o.kept), nil
}

// readTouched brings the set up to date; o.mu is held.
func (j *Journal) readTouched(ctx context.Context, o *openSet) error {
	ids := make([]int64, 0, len(o.touched))
	for id := range o.touched {
		ids = append(ids, id)
	}
	now, err := j.incidents(ctx, `resolved = 0 AND id IN (SELECT value FROM json_each(?)) ORDER BY id`, jsonText(ids))
	if err != nil {
		return err
	}
	o.kept = slices.DeleteFunc(o.kept, func(i reports.Incident) bool { return o.touched[i.ID] })
	o.kept = append(o.kept, now...)
	slices.SortFunc(o.kept, func(a, b reports.Incident) int { return cmp.Compare(a.ID, b.ID) })
	o.touched = nil
	return nil
}

// writerVersion gives data_version of the write pool's connection, and that
// connection, for a version means nothing on another.
func (j *Journal) writerVersion(ctx context.Context) (driver any, version int64, err error) {
	conn, err := j.write.db.Conn(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	if err := conn.Raw(func(c any) error { driver = c; return nil }); err != nil {
		return nil, 0, err
	}
	err = conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version)
	return driver, version, err
}
