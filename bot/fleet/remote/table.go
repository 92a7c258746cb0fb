package remote

import (
	"cmp"
	"slices"

	"domovoy/bot/fleet"
)

// table is facts of one kind in the order of their keys. What came since the last
// complete reading is beside it: a snapshot that was given away does not change.
type table[K cmp.Ordered, V any] struct {
	keys   []K
	sums   []fleet.Digest
	values []V
	news   map[K]news[V]
}

// news is a fact that came since; a zero sum: it is gone.
type news[V any] struct {
	sum   fleet.Digest
	value V
}

// put takes a fact, or that it is gone if the sum is zero, and returns the sum that
// it had before.
func (t *table[K, V]) put(key K, sum fleet.Digest, value V) (was fleet.Digest) {
	if n, ok := t.news[key]; ok {
		was = n.sum
	} else if i, ok := slices.BinarySearch(t.keys, key); ok {
		was = t.sums[i]
	}
	if was == sum {
		return was
	}
	if t.news == nil {
		t.news = map[K]news[V]{}
	}
	t.news[key] = news[V]{sum, value}
	return was
}

// commit takes what is new into the table, calling finish with each fact that is, and
// returns the keys of these. Slices that were given away stay as they are.
func (t *table[K, V]) commit(finish func(*V)) []K {
	if len(t.news) == 0 {
		return nil
	}
	changed := make([]K, 0, len(t.news))
	for key := range t.news {
		changed = append(changed, key)
	}
	slices.Sort(changed)
	size := len(t.keys) // exactly: what is kept for long has no room to spare
	for _, key := range changed {
		_, had := slices.BinarySearch(t.keys, key)
		lives := t.news[key].sum != (fleet.Digest{})
		switch {
		case lives && !had:
			size++
		case had && !lives:
			size--
		}
	}
	next := table[K, V]{keys: make([]K, 0, size), sums: make([]fleet.Digest, 0, size), values: make([]V, 0, size)}
	add := func(key K, sum fleet.Digest, value V) {
		next.keys, next.sums, next.values = append(next.keys, key), append(next.sums, sum), append(next.values, value)
	}
	i := 0
	for _, key := range changed {
		for ; i < len(t.keys) && t.keys[i] < key; i++ {
			add(t.keys[i], t.sums[i], t.values[i])
		}
		if i < len(t.keys) && t.keys[i] == key {
			i++
		}
		if n := t.news[key]; n.sum != (fleet.Digest{}) {
			finish(&n.value)
			add(key, n.sum, n.value)
		}
	}
	for ; i < len(t.keys); i++ {
		add(t.keys[i], t.sums[i], t.values[i])
	}
	*t = next
	return changed
}

// find returns the fact of a key in the last complete reading.
func (t *table[K, V]) find(key K) (v V, ok bool) {
	i, ok := slices.BinarySearch(t.keys, key)
	if ok {
		v = t.values[i]
	}
	return v, ok
}
