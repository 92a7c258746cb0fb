package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// Garbage is collected as Go does by itself: when as much was allocated as was in use after
// the last collection (GOGC 100). Collecting more often costs much more than it
// saves: a short command ends before it has garbage worth collecting, and an
// import, a sweep and an answer live through a short peak. Two things keep the memory small:
//
//   - The commands that read a configuration set a soft limit to the Go heap, as
//     GOMEMLIMIT does, from what this host or its control group has. Near it garbage is
//     collected more often.
//   - "run", which works for a moment every few minutes, collects when it rests,
//     and gives back what it does not need until it works again. Until it first rests it
//     collects more often: what lives on after its start is then closer together. So it
//     does with much in use, as of a fleet.
//
// "ask" collects less often: it ends as soon as it has answered.
//
// Who sets GOGC or GOMEMLIMIT in the environment decides about both.

// How often garbage is collected, in percent of what is in use.
const (
	startGC = 40  // of run, until it rests
	runGC   = 100 // afterwards, as of other commands
	askGC   = 300
)

// muchInUse is the heap in bytes above which garbage is not let grow as large.
const muchInUse = 150 << 20

// gcOf is how often run collects garbage with so many bytes in use, in steps of ten: until
// muchInUse of garbage are there, or startGC percent of what is in use.
func gcOf(live uint64) int {
	if live <= muchInUse {
		return runGC
	}
	return max(startGC, int(runGC*muchInUse/live)/10*10)
}

// collectRarely has garbage collected seldom, for a command that ends soon.
func collectRarely(env func(string) (string, bool)) {
	if ownMemory(env) {
		debug.SetGCPercent(askGC)
	}
}

// limitMemory sets the soft limit.
func limitMemory(env func(string) (string, bool)) {
	if !ownMemory(env) {
		return
	}
	if limit := softLimit(os.ReadFile); limit > 0 {
		debug.SetMemoryLimit(limit)
	}
}

// ownMemory reports whether the program decides how much memory it uses.
func ownMemory(env func(string) (string, bool)) bool {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if value, _ := env(name); value != "" {
			return false
		}
	}
	return true
}

// softLimit returns three quarters of what a control group may use, or a quarter of the
// host's memory, of which the panel and the sites need most; 0 if neither is known. The
// rest of a control group's limit is for the program itself and SQLite. read is
// os.ReadFile.
func softLimit(read func(name string) ([]byte, error)) int64 {
	limit := hostMemory(read) / 4
	if group := groupMemory(read); group > 0 && (limit == 0 || group*3/4 < limit) {
		limit = group * 3 / 4
	}
	return limit
}

// hostMemory is the memory of the host in bytes; 0: not known.
func hostMemory(read func(name string) ([]byte, error)) int64 {
	text, _ := read("/proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" {
			kilobytes, _ := strconv.ParseInt(f[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// groupMemory is the least limit in bytes of this process's control group (version 2)
// and those above it, where systemd's MemoryHigh= and MemoryMax= and containers set
// it; 0: none.
func groupMemory(read func(name string) ([]byte, error)) int64 {
	text, _ := read("/proc/self/cgroup")
	_, group, ok := strings.Cut("\n"+string(text), "\n0::")
	if !ok {
		return 0
	}
	group, _, _ = strings.Cut(group, "\n")
	least := int64(0)
	for at := filepath.Clean("/" + group); ; at = filepath.Dir(at) {
		for _, name := range []string{"memory.high", "memory.max"} {
			text, _ := read(filepath.Join("/sys/fs/cgroup", at, name))
			// The word max, no limit, is no number.
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && (least == 0 || n < least) {
				least = n
			}
		}
		if at == "/" {
			return least
		}
	}
}

// How "run" recognizes that it rests.
const (
	lookEvery = 5 * time.Second
	quiet     = 2 << 20 // bytes allocated between two looks: a reading without changes takes less
	worth     = 2 << 20 // bytes that can be given back: less is not worth a collection
)

// rest collects garbage and gives memory back whenever the program has come to
// rest, until the context ends. The first time it does so in any case, since
// much of the program is then mapped that only its start needs.
func rest(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	rested, percent := false, startGC
	debug.SetGCPercent(percent)
	defer debug.SetGCPercent(runGC)
	for before := heapNow(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := heapNow()
		if now.quiet(before) && (!rested || now.worth()) {
			debug.FreeOSMemory()
			dropProgram()
			rested = true
		}
		if wanted := gcOf(now.live); rested && wanted != percent {
			percent = wanted
			debug.SetGCPercent(percent)
		}
		before = now
	}
}

// heap is the state of the Go heap, in bytes.
type heap struct {
	allocated uint64 // since the start
	objects   uint64 // in use, or garbage since the last collection
	live      uint64 // in use at the last collection
	free      uint64 // could be given back at once
}

// quiet reports whether little was done since the look before.
func (h heap) quiet(before heap) bool { return h.allocated-before.allocated < quiet }

// worth reports whether there is enough to give back: for a large heap, which takes
// longer to collect, more.
func (h heap) worth() bool {
	garbage := h.objects - min(h.objects, h.live)
	return garbage+h.free > worth+h.live/16
}

func heapNow() heap {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(samples)
	return heap{allocated: samples[0].Value.Uint64(), objects: samples[1].Value.Uint64(), live: samples[2].Value.Uint64(), free: samples[3].Value.Uint64()}
}
