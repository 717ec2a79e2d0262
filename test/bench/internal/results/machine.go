package results

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Machine says what a run ran on, and with which versions. Ratios of other
// machines are not to be compared with it.
type Machine struct {
	OS      string            `json:"os"`
	Arch    string            `json:"arch"`
	CPU     string            `json:"cpu"`
	CPUs    int               `json:"cpus"`
	Go      string            `json:"go"`
	Modules map[string]string `json:"modules,omitempty"` // versions of the peers
}

// ThisMachine describes the machine that it runs on.
func ThisMachine() Machine {
	m := Machine{
		OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: cpuModel(), CPUs: runtime.GOMAXPROCS(0),
		Go: runtime.Version(), Modules: map[string]string{},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			m.Modules[dep.Path] = dep.Version
		}
	}
	return m
}

// Like reports whether ratios measured on m and on other can be compared.
func (m Machine) Like(other Machine) bool {
	return m.OS == other.OS && m.Arch == other.Arch && m.CPU == other.CPU && m.CPUs == other.CPUs && m.Go == other.Go
}

func (m Machine) String() string {
	return fmt.Sprintf("%s, %d processors, %s/%s, %s", m.CPU, m.CPUs, m.OS, m.Arch, m.Go)
}

// cpuModel is what the processor calls itself, where that is to be found.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH + " processor"
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ":")
		if strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH + " processor"
}
