package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// niceness is low enough for whoever waits for the processor, the panel first
// of all, to get it at once, and not as low as to starve on a busy server.
const niceness = 10

// giveWay lets others on this machine go first. Linux keeps a niceness for
// each thread (setpriority(2), under C library/kernel differences), and a new
// thread has that of the one that made it: so all there are must have it.
func giveWay() error {
	for begun := -1; ; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil || len(threads) == begun {
			return err
		}
		begun = len(threads)
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			// Who began lower, by systemd's Nice, stays there. The system call
			// gives 20 less the niceness.
			if now, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil && 20-now >= niceness {
				continue
			}
			if err := unix.Setpriority(unix.PRIO_PROCESS, id, niceness); err != nil && err != unix.ESRCH {
				return err
			}
		}
	}
}
