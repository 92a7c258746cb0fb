package main

import (
	"slices"
	"testing"
)

func TestCleanMappings(t *testing.T) {
	const smaps = `00400000-01371000 r-xp 00000000 fe:00 12 /usr/bin/domovoy
Size:              15812 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
01371000-02309000 r--p 00f71000 fe:00 12 /usr/bin/domovoy
Anonymous:             0 kB
02309000-0230a000 r--p 01f09000 fe:00 12 /usr/bin/domovoy
Anonymous:             4 kB
0230a000-025f1000 rw-p 01f0a000 fe:00 12 /usr/bin/domovoy
Anonymous:             0 kB
0e00000-0e01000 r--p 00000000 fe:00 99 /usr/lib/libc.so
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:             0 kB
`
	want := []mapping{{0x400000, 0xf71000}, {0x1371000, 0xf98000}}
	if got := cleanMappings(smaps, "/usr/bin/domovoy"); !slices.Equal(got, want) {
		t.Errorf("mappings %x, want %x", got, want)
	}
	if got := cleanMappings(smaps, "/usr/bin/domovoy (deleted)"); got != nil {
		t.Errorf("mappings of another file: %x", got)
	}
}
