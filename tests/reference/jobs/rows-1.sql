-- Rows as rededge 0.1.0 left them in tables of version 1: kept so that every later version opens them.
INSERT INTO jobs (number, id, process, version, owner, state, created, started, finished, updated, progress, message, failure, shares, hash) VALUES
(1, '5f0c4c0e-0c5e-4c3b-9a67-0d4d6f3b0001', 'rice-map', '0.1.0', 'anna', 'successful', 1763700000000, 1763700000250, 1763700060250, 1763700060250, 100, 'done', NULL, NULL, 'h1'),
(2, '5f0c4c0e-0c5e-4c3b-9a67-0d4d6f3b0002', 'rice-map', '0.1.0', 'anna', 'successful', 1763700100000, 1763700100000, 1763700100000, 1763700100000, 100, 'results of job 5f0c4c0e-0c5e-4c3b-9a67-0d4d6f3b0001, which asked for the same', NULL, '5f0c4c0e-0c5e-4c3b-9a67-0d4d6f3b0001', 'h1'),
(3, '5f0c4c0e-0c5e-4c3b-9a67-0d4d6f3b0003', 'stress-map', '0.1.0', NULL, 'failed', 1763700200000, 1763700200010, 1763700200020, 1763700200020, 0, 'input `dates`: is required', '{"kind":"input","input":"dates","message":"is required"}', NULL, 'h3'),
(4, '5f0c4c0e-0c5e-4c3b-9a67-0d4d6f3b0004', 'echo', '0.1.0', NULL, 'running', 1763700300000, 1763700300010, NULL, 1763700300500, 45, 'wait', NULL, NULL, 'h4'),
(5, '5f0c4c0e-0c5e-4c3b-9a67-0d4d6f3b0005', 'echo', '0.1.0', 'ben', 'accepted', 1763700400000, NULL, NULL, 1763700400000, 0, 'waiting', NULL, NULL, 'h5');
INSERT INTO requests (job, request) VALUES
(1, '{"inputs":{"method":"itsgbt"}}'),
(2, '{"inputs":{"method":"itsgbt"}}'),
(3, '{"inputs":{}}'),
(4, '{"inputs":{"text":"four","pause":60}}'),
(5, '{"inputs":{"text":"five"}}');
INSERT INTO log (job, line, at, text) VALUES
(1, 0, 1763700000300, 'open the scenes'),
(1, 1, 1763700030000, 'classify'),
(4, 0, 1763700300020, 'wait');
