package main

import (
	"io/fs"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// TestSoftLimit is about hosts and control groups of different sizes.
func TestSoftLimit(t *testing.T) {
	const host = "MemTotal:        8000000 kB\nMemFree:         1000000 kB\n"
	for name, tt := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"a quarter of the host": {map[string]string{"/proc/meminfo": host, "/proc/self/cgroup": "0::/\n"}, 8_000_000 << 10 / 4},
		"no group of version 2": {map[string]string{"/proc/meminfo": host, "/proc/self/cgroup": "3:memory:/a\n"}, 8_000_000 << 10 / 4},
		"nothing is known":      {nil, 0},
		"three quarters of a group": {map[string]string{"/proc/meminfo": host, "/proc/self/cgroup": "0::/system.slice/domovoy.service\n",
			"/sys/fs/cgroup/system.slice/domovoy.service/memory.max": "400000000\n", "/sys/fs/cgroup/system.slice/domovoy.service/memory.high": "max\n"}, 300_000_000},
		"the group above is smaller": {map[string]string{"/proc/meminfo": host, "/proc/self/cgroup": "1:name=systemd:/b\n0::/a/b\n",
			"/sys/fs/cgroup/a/b/memory.max": "400000000\n", "/sys/fs/cgroup/a/memory.high": "200000000\n"}, 150_000_000},
		"a container sees itself as the root": {map[string]string{"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "100000000\n"}, 75_000_000},
		"a group larger than the host":        {map[string]string{"/proc/meminfo": host, "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "99000000000\n"}, 8_000_000 << 10 / 4},
	} {
		read := func(file string) ([]byte, error) {
			if text, ok := tt.files[file]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}
		if got := softLimit(read); got != tt.want {
			t.Errorf("%s: limit %d, want %d", name, got, tt.want)
		}
	}
}

func TestEnvironmentDecidesAboutMemory(t *testing.T) {
	const before = math.MaxInt64 // none
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(before))
	for _, set := range []string{"GOGC", "GOMEMLIMIT"} {
		limitMemory(func(name string) (string, bool) { return "50", name == set })
		if now := debug.SetMemoryLimit(-1); now != before {
			t.Errorf("with %s set the limit became %d", set, now)
		}
	}
	if runtime.GOOS != "linux" {
		t.Skip("the host's memory is known on Linux only")
	}
	limitMemory(func(string) (string, bool) { return "", false })
	if now := debug.SetMemoryLimit(-1); now >= before {
		t.Errorf("without them it stayed %d", now)
	}
}

// TestMuchInUse: a large heap has less garbage beside what is in use than a small one.
func TestMuchInUse(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 150 << 20: 100, 200 << 20: 70, 300 << 20: 50, 700 << 20: 40, 8 << 30: 40} {
		if got := gcOf(live); got != want {
			t.Errorf("%d MB in use: %d percent, and not %d", live>>20, got, want)
		}
	}
}

func TestRest(t *testing.T) {
	const mb = 1 << 20
	for name, tt := range map[string]struct {
		before, now  heap
		quiet, worth bool
	}{
		"nothing happened":           {heap{allocated: 9 * mb}, heap{allocated: 9 * mb, objects: 5 * mb, live: 5 * mb}, true, false},
		"it works":                   {heap{allocated: 9 * mb}, heap{allocated: 19 * mb, objects: 15 * mb, live: 5 * mb}, false, true},
		"it has worked":              {heap{allocated: 19 * mb}, heap{allocated: 20 * mb, objects: 15 * mb, live: 5 * mb}, true, true},
		"it was collected, not free": {heap{allocated: 19 * mb}, heap{allocated: 19 * mb, objects: 5 * mb, live: 5 * mb, free: 9 * mb}, true, true},
		"little of a large heap":     {heap{allocated: 900 * mb}, heap{allocated: 900 * mb, objects: 104 * mb, live: 100 * mb}, true, false},
		"less than it was, swept":    {heap{allocated: 900 * mb}, heap{allocated: 900 * mb, objects: 90 * mb, live: 100 * mb}, true, false},
	} {
		if quiet, worth := tt.now.quiet(tt.before), tt.now.worth(); quiet != tt.quiet || worth != tt.worth {
			t.Errorf("%s: quiet %t, worth %t, want %t, %t", name, quiet, worth, tt.quiet, tt.worth)
		}
	}
	if now := heapNow(); now.allocated == 0 || now.objects == 0 {
		t.Errorf("the heap is %+v: the names of metrics changed", now)
	}
}

// TestDropProgram runs the program after its pages are gone.
func TestDropProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("pages are dropped on Linux only")
	}
	before := mappedOfFiles(t)
	dropProgram()
	if after := mappedOfFiles(t); after >= before {
		t.Errorf("%s of files are mapped after it, %s before", after, before)
	}
}

// mappedOfFiles is the line of /proc/self/status about mapped pages of files. Its
// numbers are right-aligned, so that texts compare as they do.
func mappedOfFiles(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "RssFile:") {
			return line
		}
	}
	t.Fatal("no RssFile")
	return ""
}
