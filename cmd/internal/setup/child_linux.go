package setup

import (
	"os"
	"os/exec"
	"syscall"
)

// capReadSearch is CAP_DAC_READ_SEARCH: it reads whatever there is and writes nothing
// (capabilities(7)).
const capReadSearch = 2

// become makes a command run as another user; all: one who may read any file.
func become(cmd *exec.Cmd, as account, all bool) {
	if os.Geteuid() != 0 {
		return
	}
	groups := make([]uint32, len(as.groups))
	for i, id := range as.groups {
		groups[i] = uint32(id)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid), Groups: groups}}
	if all {
		cmd.SysProcAttr.AmbientCaps = []uintptr{capReadSearch}
	}
}

// ownerOf is the owner and the group of a file.
func ownerOf(info os.FileInfo) (uid, gid int) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), int(s.Gid)
	}
	return 0, 0
}

// itself is the path of this program for a command, also where its folder is closed to
// the user that the command runs as.
const itself = "/proc/self/exe"
