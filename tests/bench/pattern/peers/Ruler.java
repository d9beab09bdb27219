// The cases of bench-pattern on event-ruler: see ../main.c for what is read and printed.
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import software.amazon.event.ruler.Machine;

class Ruler {
	static final int PASSES = 5, WARM_UP = 2; // passes, the latter not counted

	static double cpuSeconds() {
		return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1e9;
	}

	static void run(String line, boolean isPrinted) throws Exception {
		String[] c = line.split("\t");
		int most = Integer.parseInt(c[3]), n = 0;
		List<String> events = Files.readAllLines(Path.of(c[4]));
		Machine machine = new Machine();
		double start = cpuSeconds();
		try (var rules = Files.newBufferedReader(Path.of(c[1]))) {
			for (String rule; (most == 0 || n < most) && (rule = rules.readLine()) != null;) {
				String[] f = rule.split("\t");
				if (!c[2].equals("-") && !f[0].equals(c[2]))
					continue;
				machine.addRule("r" + n, f[f.length - 1]);
				n++;
			}
		} catch (Exception | StackOverflowError e) {
			if (isPrinted)
				System.out.println(c[0] + "\trefused");
			return;
		}
		double built = cpuSeconds() - start;
		double[] times = new double[PASSES];
		long matches = 0;
		for (int i = -WARM_UP; i < PASSES; i++) {
			start = cpuSeconds();
			matches = 0;
			for (String event : events)
				matches += machine.rulesForJSONEvent(event).size();
			if (i >= 0)
				times[i] = cpuSeconds() - start;
		}
		Arrays.sort(times);
		if (isPrinted)
			System.out.printf("%s\t%.1f\t%d\t%.0f\t0%n", c[0], times[PASSES / 2] * 1e9 / events.size(), matches, n / built);
	}

	public static void main(String[] args) throws Exception {
		List<String> cases = Files.readAllLines(Path.of(args[0]));
		for (int i = 0; i < 3; i++) // the first case is not to pay for compiling the code of all
			run(cases.get(0), false);
		for (String line : cases)
			run(line, true);
	}
}
