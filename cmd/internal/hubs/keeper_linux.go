package hubs

import (
	"os/exec"
	"syscall"
)

// endWithParent has the kernel end a child when this program ends in any way.
func endWithParent(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
