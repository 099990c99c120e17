/* What the containers of the test run: says what it was given, on both streams, and ends with status 7. With
 * a URL path, it asks the guest's own API on loopback. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;

static void show(const char *path)
{
	char line[200];
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f))
		fputs(line, stdout);
	if (!f)
		perror(path);
	else
		fclose(f);
}

static int get(const char *path)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8006) };
	int s = socket(AF_INET, SOCK_STREAM, 0);
	char text[4096];
	ssize_t n;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(s, (struct sockaddr *)&a, sizeof(a))) {
		perror("127.0.0.1:8006");
		return 1;
	}
	dprintf(s, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:8006\r\nConnection: close\r\n\r\n", path);
	while ((n = read(s, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 1 && argv[1][0] == '/')
		return get(argv[1]);
	show("/etc/greeting");
	for (int i = 1; i < argc; i++)
		printf("argument %s\n", argv[i]);
	for (char **e = environ; *e; e++)
		printf("variable %s\n", *e);
	printf("user %d:%d in %s\n", (int)getuid(), (int)getgid(), getcwd((char[100]){ 0 }, 100));
	printf("gone: %s\n", access("/etc/removed", F_OK) ? "yes" : "no");
	fprintf(stderr, "and on stderr\n");
	return 7;
}
