package endtoend

import "syscall"

// interruptible says whether a process can be asked to end.
const interruptible = true

// childAttr has the kernel kill a child when we are killed.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
