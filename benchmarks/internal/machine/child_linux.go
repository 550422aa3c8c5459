package machine

import "syscall"

// ChildAttr has the kernel kill a child when the thread ends that started it.
func ChildAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
