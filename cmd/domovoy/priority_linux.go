package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// niceness is high enough that the panel and other programs get the processor at
// once, and low enough that Domovoy still works on a busy server.
const niceness = 10

// lowerPriority lets other programs on this host run first. Linux keeps a niceness
// for each thread (setpriority(2), C library/kernel differences). A new thread
// has the niceness of the one that starts it, so all existing threads are changed
// until there are no new ones.
func lowerPriority() error {
	for before := -1; ; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil || len(threads) == before {
			return err
		}
		before = len(threads)
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			// A higher niceness, set by systemd's Nice=, stays. The system call
			// returns 20 minus the niceness.
			if now, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil && 20-now >= niceness {
				continue
			}
			if err := unix.Setpriority(unix.PRIO_PROCESS, id, niceness); err != nil && err != unix.ESRCH {
				return err
			}
		}
	}
}
