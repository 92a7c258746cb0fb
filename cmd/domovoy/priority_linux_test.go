package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Every thread of the bot has a lower priority, including threads started
// later: it has read a panel and connected to two messengers by then.
func TestRunLowersItsPriority(t *testing.T) {
	h := newHouse(t, settings{resolveAfter: 1})
	c := h.start()
	h.baseline()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", c.cmd.Process.Pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("threads: %v, %v", threads, err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(filepath.Base(thread))
		h.must(err)
		raw, err := unix.Getpriority(unix.PRIO_PROCESS, id)
		if _, gone := os.Stat(thread); gone != nil {
			continue
		}
		h.must(err)
		if nice := 20 - raw; nice < niceness {
			t.Errorf("thread %d has the niceness %d", id, nice)
		}
	}
	c.stop()
}
