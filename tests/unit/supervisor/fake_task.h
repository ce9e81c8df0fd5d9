/*
 * fake_task.h: a stand-in for `sluice __task` that speaks the frames and misbehaves on request.
 *
 * What this is: a test's main calls fake_task_main when argv[1] is "__task". What the task does is
 * the member "behave" of the descriptor in its start frame. Blocking and simple on purpose.
 */
#ifndef FAKE_TASK_H
#define FAKE_TASK_H

#include "fake_child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Leaves a trace of life in a file that the test watches. */
static void fake_note(const char *path, const char *what) {
    FILE *f = path[0] == '\0' ? NULL : fopen(path, "a");
    if (f == NULL)
        return;
    fprintf(f, "%s %ld\n", what, (long)getpid());
    fclose(f);
}

/* Dies of the signal itself: past the handlers of sanitizers, which intercept signal(). */
static void fake_die(int number) {
    unsigned long plain[4] = { 0, 0, 0, 0 };
    syscall(SYS_rt_sigaction, number, plain, NULL, 8);
    raise(number);
}

static void fake_misbehave(const char *behave) {
    if (strcmp(behave, "segv") == 0) {
        fprintf(stderr, "about to crash\n");
        fake_die(SIGSEGV);
    }
    if (strcmp(behave, "abort") == 0)
        fake_die(SIGABRT);
    if (strcmp(behave, "kill") == 0)
        fake_die(SIGKILL);
    if (strcmp(behave, "late-segv") == 0) {
        usleep(300000);
        fake_die(SIGSEGV);
    }
    if (strcmp(behave, "exit3") == 0)
        _exit(3);
    if (strcmp(behave, "exit0") == 0)
        _exit(0);
    if (strcmp(behave, "garbage") == 0)
        fake_send("this is no JSON");
    if (strcmp(behave, "malformed") == 0)
        fake_send("{\"type\":\"positions\",\"seq\":1,\"entries\":[{}]}");
    if (strcmp(behave, "fail") == 0) {
        fake_send("{\"type\":\"status\",\"state\":\"FAILED\",\"code\":\"test.broken\","
                  "\"trace\":\"it is broken\"}");
        _exit(10);
    }
    if (strcmp(behave, "finish") == 0) {
        fake_send("{\"type\":\"status\",\"state\":\"FINISHED\"}");
        _exit(0);
    }
    if (strcmp(behave, "leak") == 0)
        for (;;) {
            char *p = malloc(1 << 20);
            memset(p, 1, 1 << 20);
            usleep(1000);
        }
    while (strcmp(behave, "hang") == 0 || strcmp(behave, "malformed") == 0)
        pause();
}

static void fake_commit(int seq) {
    char text[300];
    snprintf(text, sizeof text,
             "{\"type\":\"positions\",\"seq\":%d,\"entries\":[{\"branch\":\"b\",\"partition\":"
             "\"{}\",\"position\":\"%08x\",\"sub\":0,\"offset\":\"{\\\"n\\\":%d}\"}]}",
             seq, seq, seq);
    fake_send(text);
}

/* Position of the only entry in the start frame, 0 when there is none. */
static int fake_position(const cJSON *start) {
    const cJSON *entry = cJSON_GetArrayItem(cJSON_GetObjectItem(start, "positions"), 0);
    return entry == NULL ? 0 : (int)strtol(fake_text(entry, "position"), NULL, 16);
}

static int fake_task_main(void) {
    cJSON *start;
    const cJSON *pipeline;
    const char *file;
    const char *behave;
    int seq;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    start = fake_receive();
    pipeline = cJSON_GetObjectItem(start, "pipeline");
    file = fake_text(pipeline, "file");
    behave = fake_text(pipeline, "behave");
    seq = fake_position(start);
    fake_note(file, "start");
    fake_send("{\"type\":\"status\",\"state\":\"RUNNING\",\"branches\":[{\"name\":\"b\"}]}");
    fake_send("{\"type\":\"log\",\"level\":\"INFO\",\"scope\":\"fake\",\"text\":\"hello\",\"ts\":1,"
              "\"fields\":{}}");
    fake_send("{\"type\":\"metrics\",\"text\":\"# TYPE fake_total counter\\nfake_total 1\\n\"}");
    fake_send("{\"type\":\"ledger\",\"nodes\":[{\"name\":\"source\",\"in\":0,\"out\":1}]}");
    if (strncmp(behave, "progress-", 9) != 0)
        fake_misbehave(behave);
    fake_commit(++seq);
    for (;;) {
        cJSON *message = fake_receive();
        const char *type = fake_text(message, "type");
        fake_note(file, type);
        if (strcmp(type, "stored") == 0 && strncmp(behave, "progress-", 9) == 0)
            fake_misbehave(behave + 9);
        if (strcmp(type, "refused") == 0)
            fake_commit(++seq);
        if (strcmp(type, "drain") == 0 && strcmp(behave, "stubborn") != 0)
            _exit(0);
        fake_send("{\"type\":\"alive\"}");
        cJSON_Delete(message);
    }
}

#endif
